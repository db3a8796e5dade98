#include "tests/benchmarks/fill.h"

#include "tests/benchmarks/device.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace moescope::bench {

namespace {

// SplitMix64's finaliser.
__device__ std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

// Box and Muller's; the first half of the hash is never 0.
__device__ float normal(std::uint64_t hash) {
    const float radius = (float(hash >> 40) + 0.5f) * 0x1p-24f, turn = float(hash & 0xffffff) * 0x1p-24f;
    return sqrtf(-2 * logf(radius)) * cospif(2 * turn);
}

template <typename T>
__global__ void fill(T *data, std::int64_t count, std::uint32_t tensor, float deviation) {
    const std::int64_t step = std::int64_t(gridDim.x) * blockDim.x;
    for (std::int64_t i = std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step)
        data[i] = T(deviation * normal(mixed(std::uint64_t(i) * 0x9e3779b97f4a7c15 + tensor)));
}

template <typename T>
void start(void *data, std::int64_t count, std::uint32_t tensor, float deviation) {
    fill<<<4096, 256, 0, stream()>>>(static_cast<T *>(data), count, tensor, deviation);
}

} // namespace

void fill_normal(void *data, ms_dtype dtype, std::int64_t count, std::uint32_t tensor,
                 float deviation) {
    if (dtype == MS_F32)
        start<float>(data, count, tensor, deviation);
    else if (dtype == MS_F16)
        start<__half>(data, count, tensor, deviation);
    else
        start<__nv_bfloat16>(data, count, tensor, deviation);
}

} // namespace moescope::bench
