#include "profiler/worker/cpu_info.h"

#include "kernels/common/parallel_for.h"

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

} // namespace

std::string host_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

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
                         {"cupti activity", "absent", "the CPU has no CUPTI: repetitions are timed by the host's clock"}};
    return info;
}

void add_cpu_ceilings(DeviceInfo &info) {
    const CpuFacts facts = parse_cpuinfo(read_file("/proc/cpuinfo"));
    info.ceilings.bytes_per_second = measure_copy_bandwidth();
    info.ceilings.flops_per_second =
        double(info.multiprocessors) * facts.clock_mhz * 1e6 * facts.float_ops_per_clock;
    info.ceilings.bytes_measured = true;
    info.capabilities.push_back({"bandwidth ceiling", "ok", "measured: memcpy on all cores"});
    info.capabilities.push_back({"FLOP/s ceiling", facts.clock_mhz > 0 ? "ok" : "absent",
                                 facts.clock_mhz > 0 ? fmt::format("derived: {} cores x {} MHz x {} float32 FLOPs a clock",
                                                                   info.multiprocessors, facts.clock_mhz,
                                                                   facts.float_ops_per_clock)
                                                     : "the clock is not reported"});
}

} // namespace moescope
