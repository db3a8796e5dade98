#include "tests/benchmarks/device.h"

#include "tests/benchmarks/ceilings.h"
#include "tests/benchmarks/fill.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace moescope::bench {

void check(cudaError_t result, const char *call) {
    if (result != cudaSuccess)
        throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(result));
}

void check(ms_status status, const char *call) {
    if (status != MS_OK)
        throw std::runtime_error(std::string(call) + ": " + ms_last_error());
}

Memory::~Memory() {
    cudaDeviceSynchronize();
    for (void *block : blocks_)
        cudaFree(block);
}

void *Memory::bytes(std::int64_t count) {
    void *block = nullptr;
    check(cudaMalloc(&block, std::size_t(std::max<std::int64_t>(count, 1))), "cudaMalloc");
    blocks_.push_back(block);
    total_ += count;
    return block;
}

void *Memory::normal(ms_dtype dtype, std::int64_t count, float deviation) {
    void *data = bytes(count * (dtype == MS_F32 ? 4 : 2));
    fill_normal(data, dtype, count, tensor_++, deviation);
    check(cudaGetLastError(), "fill_normal");
    return data;
}

Samples time_launches(const Launch &launch, int sets, const Timing &timing) {
    constexpr double kHostMicroseconds = 30; // generous: of a launch of three kernels and two events
    const int all = timing.warmups + timing.samples;
    std::vector<cudaEvent_t> events(std::size_t(all) * 2);
    for (cudaEvent_t &event : events)
        check(cudaEventCreate(&event), "cudaEventCreate");
    for (int i = 0, next = 0; i < all; ++i) {
        if (i == 0 || timing.launches > 1 || timing.gap_us > 0) {
            flush_l2();
            hold_stream(std::max(kHostMicroseconds * (timing.launches > 1 ? timing.launches : all),
                                 timing.gap_us));
        }
        cudaEventRecord(events[std::size_t(2 * i)], stream());
        for (int n = 0; n < timing.launches; ++n)
            check(launch(next++ % sets, stream()), "launch");
        cudaEventRecord(events[std::size_t(2 * i + 1)], stream());
    }
    Samples samples;
    if (nvml()) {
        samples.sm_clock_mhz = nvml()->state().sm_clock_mhz;
        samples.clock_event_reasons = nvml()->clock_event_reasons();
    }
    check(cudaStreamSynchronize(stream()), "the timed launches");
    for (int i = timing.warmups; i < all; ++i) {
        float milliseconds = 0;
        check(cudaEventElapsedTime(&milliseconds, events[std::size_t(2 * i)],
                                   events[std::size_t(2 * i + 1)]),
              "cudaEventElapsedTime");
        samples.ns.push_back(milliseconds * 1e6f / float(timing.launches));
    }
    for (cudaEvent_t event : events)
        cudaEventDestroy(event);
    return samples;
}

int sets_past_l2(std::int64_t bytes) {
    constexpr std::int64_t kMostSets = 64; // one for each launch of a row
    const std::int64_t enough = 3 * device_facts().l2_bytes;
    return int(std::clamp<std::int64_t>((enough + bytes - 1) / std::max<std::int64_t>(bytes, 1), 1,
                                        kMostSets));
}

double median(std::vector<float> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2.0;
}

const DeviceFacts &device_facts() {
    static const DeviceFacts facts = [] {
        cudaDeviceProp properties{};
        check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
        DeviceFacts made;
        made.name = properties.name;
        made.multiprocessors = properties.multiProcessorCount;
        made.compute_major = properties.major;
        made.compute_minor = properties.minor;
        made.l2_bytes = properties.l2CacheSize;
        made.smem_per_block_bytes = std::int64_t(properties.sharedMemPerBlockOptin);
        made.arch = "sm_" + std::to_string(properties.major) + std::to_string(properties.minor) +
                    (properties.major == 9 ? "a" : "");
        made.driver = nvml() ? nvml()->driver_version() : "";
        int version = 0;
        cudaRuntimeGetVersion(&version);
        made.runtime = std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
        return made;
    }();
    return facts;
}

const Nvml *nvml() {
    static const std::unique_ptr<Nvml> opened = [] {
        char bus_id[32] = "";
        cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, 0);
        auto made = Nvml::open(bus_id);
        return made ? std::move(*made) : nullptr;
    }();
    return opened.get();
}

ms_stream stream() {
    static const cudaStream_t made = [] {
        cudaStream_t stream = nullptr;
        check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
        return stream;
    }();
    return made;
}

} // namespace moescope::bench
