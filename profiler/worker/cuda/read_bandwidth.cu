#include "profiler/worker/cuda/read_bandwidth.h"

#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 512;
constexpr int kBlocksPerMultiprocessor = 4;
constexpr int kLoadsInFlight = 8;

__global__ void __launch_bounds__(kThreads) read_bandwidth(const uint4 *data, std::int64_t count, std::uint32_t *sink) {
    const std::int64_t stride = std::int64_t(gridDim.x) * kThreads;
    std::uint32_t mixed = 0;
    for (std::int64_t base = std::int64_t(blockIdx.x) * kThreads + threadIdx.x; base < count;
         base += kLoadsInFlight * stride) {
        uint4 values[kLoadsInFlight];
#pragma unroll
        for (int i = 0; i < kLoadsInFlight; ++i)
            values[i] = base + i * stride < count ? __ldcs(data + base + i * stride) : uint4{};
#pragma unroll
        for (int i = 0; i < kLoadsInFlight; ++i)
            mixed ^= values[i].x ^ values[i].y ^ values[i].z ^ values[i].w;
    }
    if (mixed == 0x9e3779b9u) // never, for constant data; keeps the loads alive
        *sink = mixed;
}

} // namespace

void launch_read_bandwidth(const void *data, std::int64_t bytes, int multiprocessors, cudaStream_t stream) {
    read_bandwidth<<<multiprocessors * kBlocksPerMultiprocessor, kThreads, 0, stream>>>(
        static_cast<const uint4 *>(data), bytes / 16,
        static_cast<std::uint32_t *>(const_cast<void *>(data)));
}

} // namespace moescope
