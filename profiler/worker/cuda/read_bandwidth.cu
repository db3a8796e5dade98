#include "profiler/worker/cuda/read_bandwidth.h"

#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 512;
constexpr int kLoadsInFlight = 8;
constexpr std::int64_t kBlockVectors = kThreads * kLoadsInFlight; // a contiguous 64 KiB a block

__global__ void __launch_bounds__(kThreads) read_bandwidth(const uint4 *data, std::uint32_t *sink) {
    const uint4 *mine = data + blockIdx.x * kBlockVectors + threadIdx.x;
    uint4 values[kLoadsInFlight];
#pragma unroll
    for (int i = 0; i < kLoadsInFlight; ++i)
        values[i] = __ldcs(mine + i * kThreads);
    std::uint32_t mixed = 0;
#pragma unroll
    for (int i = 0; i < kLoadsInFlight; ++i)
        mixed ^= values[i].x ^ values[i].y ^ values[i].z ^ values[i].w;
    if (mixed == 0x9e3779b9u) // never, for constant data; keeps the loads alive
        *sink = mixed;
}

} // namespace

void launch_read_bandwidth(const void *data, std::int64_t bytes, cudaStream_t stream) {
    read_bandwidth<<<unsigned(bytes / 16 / kBlockVectors), kThreads, 0, stream>>>(
        static_cast<const uint4 *>(data), static_cast<std::uint32_t *>(const_cast<void *>(data)));
}

} // namespace moescope
