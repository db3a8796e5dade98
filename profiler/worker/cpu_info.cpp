#include "profiler/worker/cpu_info.h"

#include "kernels/common/parallel_for.h"
#include "profiler/base/clock.h"
#include "profiler/session/collected.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>
#include <vector>

namespace moescope {

namespace {

std::string read_file(const char *path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The value of the first line "key   : value".
std::string_view value_of(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto colon = line.find(':');
        if (!line.starts_with(key) || colon == line.npos || colon + 2 > line.size())
            continue;
        if (line.substr(key.size(), colon - key.size()).find_first_not_of(" \t") == line.npos)
            return line.substr(colon + 2);
    }
    return {};
}

bool has_word(std::string_view words, std::string_view word) {
    return (" " + std::string(words) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

constexpr std::int64_t kCopyBytes = 128 << 20; // of each of two arrays: far beyond the caches
constexpr int kCopyPasses = 4;

// Bytes read and written a second by memcpy on all cores, best of a few passes.
double measure_copy_bandwidth() {
    std::vector<char> from(kCopyBytes, 1), to(kCopyBytes, 2);
    double best_seconds = std::numeric_limits<double>::infinity();
    for (int pass = 0; pass < kCopyPasses; ++pass) {
        const auto begin = std::chrono::steady_clock::now();
        parallel_for(kCopyBytes, 4 << 20, [&](std::int64_t first, std::int64_t last) {
            std::memcpy(to.data() + first, from.data() + first, std::size_t(last - first));
        });
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        best_seconds = std::min(best_seconds, took.count());
    }
    return 2 * double(kCopyBytes) / best_seconds;
}

// Fused multiply-adds of this processor's widest vectors, however the rest is compiled.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define MOESCOPE_WIDEST_VECTORS                                                                    \
    __attribute__((target_clones("avx512f", "arch=haswell", "default"), optimize("O2", "fp-contract=fast")))
#else
#define MOESCOPE_WIDEST_VECTORS
#endif

constexpr int kLanes = 16, kChains = 8; // enough chains to hide a multiply-add's latency

// Independent chains of multiply-adds on vectors of kLanes floats, each in a variable of its own so
// that it stays in a register.
MOESCOPE_WIDEST_VECTORS float multiply_adds(std::int64_t steps) {
    typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
    Vector a = {}, b = a + 1, c = a + 2, d = a + 3, e = a + 4, f = a + 5, g = a + 6, h = a + 7;
    Vector factor = {}, addend = {};
    factor += 0.999f;
    addend += 0.5f;
    for (std::int64_t step = 0; step < steps; ++step) {
        a = a * factor + addend;
        b = b * factor + addend;
        c = c * factor + addend;
        d = d * factor + addend;
        e = e * factor + addend;
        f = f * factor + addend;
        g = g * factor + addend;
        h = h * factor + addend;
    }
    const Vector total = a + b + c + d + e + f + g + h;
    return total[0];
}

// FLOP/s on all cores, best of a few passes.
double measure_multiply_adds() {
    constexpr std::int64_t kSteps = 1 << 20; // some milliseconds
    constexpr int kPasses = 5;
    const std::int64_t cores = std::max(1u, std::thread::hardware_concurrency());
    std::vector<float> results(std::size_t(cores), 0);
    double best = 0;
    for (int pass = 0; pass < kPasses; ++pass) {
        const auto begin = std::chrono::steady_clock::now();
        parallel_for(cores, 1, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t core = first; core < last; ++core)
                results[std::size_t(core)] = multiply_adds(kSteps); // kept: the work cannot be left out
        });
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        best = std::max(best, 2.0 * kLanes * kChains * double(kSteps) * double(cores) / took.count());
    }
    return best;
}

} // namespace

CpuFacts parse_cpuinfo(std::string_view text) {
    CpuFacts facts;
    facts.model = value_of(text, "model name");
    if (facts.model.empty())
        facts.model = "CPU";
    facts.clock_mhz = std::int32_t(std::atof(std::string(value_of(text, "cpu MHz")).c_str()));
    const std::string_view flags = value_of(text, "flags");
    if (has_word(flags, "avx512f"))
        facts.float_ops_per_clock = 64; // two units of 16 lanes, multiply and add
    else if (has_word(flags, "avx2"))
        facts.float_ops_per_clock = 32;
    return facts;
}

std::int64_t available_memory_bytes() {
    return 1024 * std::atoll(std::string(value_of(read_file("/proc/meminfo"), "MemAvailable")).c_str());
}

DeviceInfo describe_cpu() {
    const CpuFacts facts = parse_cpuinfo(read_file("/proc/cpuinfo"));
    DeviceInfo info;
    info.id = "cpu";
    info.name = facts.model + " (reference implementations)";
    info.host = host_name();
    info.multiprocessors = std::int32_t(std::max(1u, std::thread::hardware_concurrency()));
    info.warp_size = 1;
    info.memory_bytes = std::int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
    info.free_memory_bytes = available_memory_bytes();
    info.l2_bytes = std::max(0L, sysconf(_SC_LEVEL2_CACHE_SIZE));
    info.sm_clock_mhz = facts.clock_mhz;
    info.capabilities = {{"host clock", "ok", ""},
                         {"cupti activity", "absent", "the CPU has no CUPTI: repetitions are timed by the host's clock"},
                         {"hardware counters", "absent", "the CPU's reference implementations have none",
                          "choose a CUDA device"},
                         {kPmSampling, "absent", "the CPU's reference implementations have no counters",
                          "choose a CUDA device"},
                         {kPcSampling, "absent", "the CPU's reference implementations are not sampled",
                          "choose a CUDA device"}};
    return info;
}

Ceilings quick_cpu_ceilings(const DeviceInfo &info) {
    const CpuFacts facts = parse_cpuinfo(read_file("/proc/cpuinfo"));
    Ceilings ceilings;
    ceilings.bytes_per_second = measure_copy_bandwidth();
    ceilings.bytes_measured = true;
    ceilings.bytes_measured_ns = now_ns();
    ceilings.flops_per_second = double(info.multiprocessors) * facts.clock_mhz * 1e6 * facts.float_ops_per_clock;
    return ceilings;
}

Ceilings measure_cpu_ceilings() {
    Ceilings ceilings;
    ceilings.bytes_per_second = measure_copy_bandwidth();
    ceilings.flops_per_second = measure_multiply_adds();
    ceilings.bytes_measured = ceilings.flops_measured = true;
    ceilings.bytes_measured_ns = ceilings.flops_measured_ns = now_ns();
    return ceilings;
}

void set_cpu_ceilings(DeviceInfo &info, const Ceilings &ceilings) {
    info.ceilings = ceilings;
    std::erase_if(info.capabilities, [](const auto &each) { return each.collector.ends_with(" ceiling"); });
    info.capabilities.push_back({"bandwidth ceiling", "ok", "measured: memcpy on all cores"});
    const char *flops = ceilings.flops_measured         ? "measured: float32 multiply-adds on all cores"
                        : ceilings.flops_per_second > 0 ? "derived: cores x clock x float32 FLOPs of the widest vectors"
                                                        : "the clock is not reported";
    info.capabilities.push_back({"FLOP/s ceiling", ceilings.flops_per_second > 0 ? "ok" : "absent", flops});
}

} // namespace moescope
