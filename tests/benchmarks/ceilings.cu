#include "tests/benchmarks/ceilings.h"

#include "profiler/worker/cuda/cublas.h"
#include "profiler/worker/cuda/launch_time.h"
#include "profiler/worker/cuda/read_bandwidth.h"
#include "tests/benchmarks/device.h"
#include "tests/benchmarks/grouped.h"

#include <algorithm>
#include <cstdint>

namespace moescope::bench {

namespace {

constexpr int kThreads = 512;
constexpr int kVectors = 8; // 16 bytes each, in flight a thread
constexpr std::int64_t kBlockBytes = kThreads * kVectors * 16;
// Long enough that a launch's own microseconds do not count.
constexpr std::int64_t kBytes = std::int64_t(4) << 30;

__global__ void __launch_bounds__(kThreads) write_all(uint4 *data, unsigned value) {
    uint4 *mine = data + std::int64_t(blockIdx.x) * (kThreads * kVectors) + threadIdx.x;
#pragma unroll
    for (int i = 0; i < kVectors; ++i)
        __stcs(mine + i * kThreads, make_uint4(value, value, value, value));
}

__global__ void __launch_bounds__(kThreads) copy_all(const uint4 *from, uint4 *to) {
    const std::int64_t start = std::int64_t(blockIdx.x) * (kThreads * kVectors) + threadIdx.x;
    uint4 values[kVectors];
#pragma unroll
    for (int i = 0; i < kVectors; ++i)
        values[i] = __ldcs(from + start + i * kThreads);
#pragma unroll
    for (int i = 0; i < kVectors; ++i)
        __stcs(to + start + i * kThreads, values[i]);
}

__global__ void line_marker() {}

ms_status launched() { return cudaGetLastError() == cudaSuccess ? MS_OK : MS_CUDA_ERROR; }

double seconds_of(const Launch &launch) {
    const Timing timing{.warmups = 3, .samples = 10};
    return median(time_launches(launch, 1, timing).ns) * 1e-9;
}

void measure_memory(MeasuredCeilings &ceilings) {
    Memory memory;
    auto *from = memory.array<uint4>(kBytes / 16), *to = memory.array<uint4>(kBytes / 16);
    check(cudaMemsetAsync(from, 0x5a, kBytes, stream()), "cudaMemset");
    const unsigned blocks = unsigned(kBytes / kBlockBytes);
    ceilings.read_bytes_per_second = double(kBytes) / seconds_of([=](int, ms_stream s) {
        launch_read_bandwidth(from, kBytes, s);
        return launched();
    });
    ceilings.write_bytes_per_second = double(kBytes) / seconds_of([=](int, ms_stream s) {
        write_all<<<blocks, kThreads, 0, s>>>(to, 0x5a5a5a5a);
        return launched();
    });
    const double own_copy = seconds_of([=](int, ms_stream s) {
        copy_all<<<blocks, kThreads, 0, s>>>(from, to);
        return launched();
    });
    const double driver_copy = seconds_of([=](int, ms_stream s) {
        return cudaMemcpyAsync(to, from, kBytes, cudaMemcpyDeviceToDevice, s) == cudaSuccess
                   ? MS_OK
                   : MS_CUDA_ERROR;
    });
    ceilings.copy_bytes_per_second = 2.0 * double(kBytes) / std::min(own_copy, driver_copy);
}

// One expert that gets every token is a dense product.
void measure_matrix(MeasuredCeilings &ceilings) {
    constexpr int kSize = 8192;
    constexpr double kFlops = 2.0 * kSize * kSize * kSize;
    const GroupedShape shape{.name = "dense", .experts = 1, .k = kSize, .n = kSize, .top_k = 1};
    GroupedCase own(shape, {.tokens = kSize}, GroupedPass::Base);
    const Tile best = own.tune();
    ceilings.own_matrix_config = best.text();
    ceilings.own_matrix_flops_per_second = kFlops / seconds_of(own.launch(best));
    const Cublas cublas;
    ceilings.cublas_library = cublas.library();
    if (cublas.ready()) {
        Memory memory;
        void *a = memory.normal(MS_BF16, std::int64_t(kSize) * kSize),
             *b = memory.normal(MS_BF16, std::int64_t(kSize) * kSize),
             *c = memory.bytes(std::int64_t(kSize) * kSize * 2);
        ceilings.cublas_flops_per_second = kFlops / seconds_of([&](int, ms_stream s) {
            return cublas.multiply(a, b, c, kSize, s) ? MS_OK : MS_CUDA_ERROR;
        });
    }
    ceilings.matrix_flops_per_second =
        std::max(ceilings.own_matrix_flops_per_second, ceilings.cublas_flops_per_second);
}

} // namespace

void flush_l2() {
    static void *const area = [] {
        void *made = nullptr;
        check(cudaMalloc(&made, std::size_t(2 * device_facts().l2_bytes)), "cudaMalloc");
        return made;
    }();
    check(cudaMemsetAsync(area, 0, std::size_t(2 * device_facts().l2_bytes), stream()), "memset");
}

void mark_line(int line) {
    line_marker<<<unsigned(line + 1), 1, 0, stream()>>>();
    check(cudaGetLastError(), "line_marker");
}

void hold_stream(double microseconds) {
    launch_hold((unsigned long long)(microseconds * 1e3), stream());
}

MeasuredCeilings measure_ceilings() {
    MeasuredCeilings ceilings;
    measure_memory(ceilings);
    ceilings.empty_launch_ns = median(time_launches(
                                          [](int, ms_stream s) {
                                              launch_empty(s);
                                              return launched();
                                          },
                                          1, {.launches = kShortLaunches})
                                          .ns);
    measure_matrix(ceilings);
    return ceilings;
}

} // namespace moescope::bench
