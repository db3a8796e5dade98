#include "profiler/worker/cuda/cuda_info.h"

#include "profiler/base/try.h"
#include "profiler/worker/cpu_info.h"
#include "profiler/worker/cuda/counter_access.h"
#include "profiler/worker/cuda/launch_time.h"
#include "profiler/worker/cuda/read_bandwidth.h"
#include "profiler/worker/samplers.h"

#include <cuda_occupancy.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

namespace moescope {

namespace {

std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

// "580.82.07" from the kernel module; the CUDA version the driver supports where that is hidden.
std::string driver_version() {
    std::ifstream file("/proc/driver/nvidia/version");
    for (std::string word; file >> word;)
        if (word.size() >= 6 && word.find('.') != word.npos &&
            word.find_first_not_of("0123456789.") == word.npos)
            return word;
    int version = 0;
    return cudaDriverGetVersion(&version) == cudaSuccess ? "CUDA " + version_text(version) : "";
}

int attribute(cudaDeviceAttr which, int index) {
    int value = 0;
    return cudaDeviceGetAttribute(&value, which, index) == cudaSuccess ? value : 0;
}

Ceilings derived_ceilings(int index, const DeviceInfo &info) {
    Ceilings ceilings;
    // Bus width in bits, two transfers a clock; the clock in kHz.
    ceilings.bytes_per_second =
        2e3 * attribute(cudaDevAttrMemoryClockRate, index) * attribute(cudaDevAttrGlobalMemoryBusWidth, index) / 8;
    ceilings.flops_per_second = matrix_flops_per_clock(info.compute_major, info.compute_minor) *
                                info.multiprocessors * info.sm_clock_mhz * 1e6;
    return ceilings;
}

// It is tried when the device is opened.
DeviceInfo::Capability activity_expected(const CounterAccess &access) {
    if (!access.cupti)
        return {"cupti activity", "absent", "MOESCOPE_NO_CUPTI is set", "unset it"};
    return {"cupti activity", "ok", ""};
}

} // namespace

Status cuda_check(cudaError_t result, const char *call) {
    if (result == cudaSuccess)
        return {};
    return Error{call, fmt::format("{} ({})", cudaGetErrorString(result), cudaGetErrorName(result)), ""};
}

double matrix_flops_per_clock(int major, int minor) {
    switch (major * 10 + minor) {
    case 80: // A100
        return 2048;
    case 86: // GA10x: half-rate float32 accumulation is GeForce's; the full rate is listed
    case 89: // AD10x
    case 120: // GB20x
        return 1024;
    case 90: // H100, H200
        return 4096;
    case 100: // B100, B200
    case 103:
        return 8192;
    default:
        return 0;
    }
}

Result<CUcontext> current_context() {
    void *function = nullptr;
    cudaDriverEntryPointQueryResult found{};
    constexpr unsigned kSince = 4000; // the driver interface's version that brought it
    MOESCOPE_TRY(cuda_check(cudaGetDriverEntryPointByVersion("cuCtxGetCurrent", &function, kSince, cudaEnableDefault, &found),
                            "cudaGetDriverEntryPointByVersion"));
    CUcontext context = nullptr;
    if (!function || reinterpret_cast<decltype(&cuCtxGetCurrent)>(function)(&context) != CUDA_SUCCESS || !context)
        return Error{"counters", "no CUDA context is current", ""};
    return context;
}

Result<DeviceInfo> describe_cuda_device(int index) {
    cudaDeviceProp properties{};
    if (Status read = cuda_check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties"); !read)
        return read.error();
    int runtime = 0;
    cudaRuntimeGetVersion(&runtime);

    DeviceInfo info;
    info.id = fmt::format("cuda:{}", index);
    info.name = properties.name;
    info.arch = fmt::format("sm_{}{}{}", properties.major, properties.minor, properties.major == 9 ? "a" : "");
    info.driver = driver_version();
    info.runtime = version_text(runtime);
    info.host = host_name();
    info.multiprocessors = properties.multiProcessorCount;
    info.max_threads_per_sm = properties.maxThreadsPerMultiProcessor;
    info.warp_size = properties.warpSize;
    info.max_threads_per_block = properties.maxThreadsPerBlock;
    info.registers_per_sm = properties.regsPerMultiprocessor;
    info.registers_per_block = properties.regsPerBlock;
    info.smem_per_sm_bytes = std::int64_t(properties.sharedMemPerMultiprocessor);
    info.smem_per_block_bytes = std::int64_t(properties.sharedMemPerBlock);
    info.smem_per_block_optin_bytes = std::int64_t(properties.sharedMemPerBlockOptin);
    info.memory_bytes = std::int64_t(properties.totalGlobalMem);
    info.l2_bytes = properties.l2CacheSize;
    info.compute_major = properties.major;
    info.compute_minor = properties.minor;
    info.sm_clock_mhz = attribute(cudaDevAttrClockRate, index) / 1000;
    info.memory_clock_mhz = attribute(cudaDevAttrMemoryClockRate, index) / 1000;
    info.ceilings = derived_ceilings(index, info);
    const CounterAccess access = counter_access();
    info.capabilities = {{"cuda events", "ok", ""}, activity_expected(access), counter_capability(access),
                         counter_capability(access, kPmSampling), counter_capability(access, kPcSampling)};
    return info;
}

namespace {

// The best of some launches that each read `bytes_read` of `bytes` bytes.
template <typename Launch> Result<double> best_read_rate(std::int64_t bytes, double bytes_read, const Launch &launch) {
    constexpr int kPasses = 5;
    void *data = nullptr;
    if (Status made = cuda_check(cudaMalloc(&data, std::size_t(bytes)), "cudaMalloc"); !made)
        return made.error();
    cudaMemset(data, 0x5a, std::size_t(bytes));
    double best = 0;
    cudaEvent_t begin = nullptr, end = nullptr;
    cudaEventCreate(&begin);
    cudaEventCreate(&end);
    for (int pass = 0; pass < kPasses; ++pass) {
        cudaEventRecord(begin, nullptr);
        launch(data);
        cudaEventRecord(end, nullptr);
        cudaEventSynchronize(end);
        float milliseconds = 0;
        if (cudaEventElapsedTime(&milliseconds, begin, end) == cudaSuccess && milliseconds > 0)
            best = std::max(best, bytes_read / (milliseconds * 1e-3));
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    cudaFree(data);
    if (Status ran = cuda_check(cudaGetLastError(), "the bandwidth measurement"); !ran)
        return ran.error();
    return best;
}

// Long enough (a millisecond on the fastest parts) that a launch's own microseconds do not count.
constexpr std::int64_t kReadBytes = std::int64_t(4) << 30;

} // namespace

Result<double> measure_read_bandwidth() {
    std::size_t free = 0, total = 0;
    if (Status asked = cuda_check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo"); !asked)
        return asked.error();
    const std::int64_t bytes =
        std::min(kReadBytes, std::int64_t(free) / 2) / kReadGranularity * kReadGranularity;
    return best_read_rate(bytes, double(bytes), [&](void *data) { launch_read_bandwidth(data, bytes, nullptr); });
}

Result<double> measure_l2_bandwidth(std::int64_t l2_bytes) {
    // A quarter: where the L2 has two parts, each may keep a copy of what the other has.
    const std::int64_t bytes = std::max(l2_bytes / 4 / kReadGranularity, std::int64_t(1)) * kReadGranularity;
    const int passes = int(kReadBytes / bytes);
    return best_read_rate(bytes, double(bytes) * passes,
                          [&](void *data) { launch_read_again(data, bytes, passes, nullptr); });
}

Result<double> measure_launch_ns() {
    constexpr int kLaunches = 200, kPasses = 5;
    constexpr unsigned long long kHoldNs = 3'000'000; // the host has queued all of them by then
    double least = 0;
    cudaEvent_t begin = nullptr, end = nullptr;
    cudaEventCreate(&begin);
    cudaEventCreate(&end);
    launch_empty(nullptr); // loads it
    for (int pass = 0; pass < kPasses; ++pass) {
        launch_hold(kHoldNs, nullptr);
        cudaEventRecord(begin, nullptr);
        for (int i = 0; i < kLaunches; ++i)
            launch_empty(nullptr);
        cudaEventRecord(end, nullptr);
        cudaEventSynchronize(end);
        float milliseconds = 0;
        if (cudaEventElapsedTime(&milliseconds, begin, end) != cudaSuccess || milliseconds <= 0)
            continue;
        const double each = double(milliseconds) * 1e6 / kLaunches;
        least = least > 0 ? std::min(least, each) : each;
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    if (Status ran = cuda_check(cudaGetLastError(), "the measurement of a launch"); !ran)
        return ran.error();
    return least;
}

float theoretical_occupancy(const cudaDeviceProp &properties, const KernelRecord &kernel) {
    const cudaOccDeviceProp device(properties);
    cudaOccFuncAttributes function;
    function.maxThreadsPerBlock = properties.maxThreadsPerBlock;
    function.numRegs = kernel.registers;
    function.sharedSizeBytes = std::size_t(kernel.static_smem_bytes);
    function.partitionedGCConfig = PARTITIONED_GC_OFF;
    function.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
    function.maxDynamicSharedSizeBytes = properties.sharedMemPerBlockOptin;
    cudaOccDeviceState state;
    cudaOccResult result;
    const int threads = kernel.block[0] * kernel.block[1] * kernel.block[2];
    if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &function, &state, threads,
                                                std::size_t(kernel.dynamic_smem_bytes)) != CUDA_OCC_SUCCESS)
        return 0;
    return float(result.activeBlocksPerMultiprocessor * threads) / float(properties.maxThreadsPerMultiProcessor);
}

} // namespace moescope
