#include "tests/benchmarks/tiles.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <thread>

namespace moescope::bench {

namespace {

constexpr double kWorthAnotherLook = 1.25;

std::string problem_of(const ms_scatter2scatter_args &call) {
    ms_tile_resources resources{};
    if (ms_scatter2scatter_compile(&call, device_facts().arch.c_str(), &resources) != MS_OK)
        return ms_last_error();
    if (resources.spill_bytes > 0)
        return "spills " + std::to_string(resources.spill_bytes) + " bytes";
    if (resources.dynamic_smem_bytes > device_facts().smem_per_block_bytes)
        return "needs " + std::to_string(resources.dynamic_smem_bytes) + " bytes of shared memory";
    return "";
}

} // namespace

std::string text_of(const ms_tile_config &config) {
    char text[80];
    std::snprintf(text, sizeof text, "%s%dx%dx%d w%d s%d",
                  config.family == MS_TILE_WGMMA ? "wgmma " : "", config.block_m, config.block_n,
                  config.block_k, config.warps, config.stages);
    return text;
}

std::vector<std::string> problems_of(const std::vector<ms_scatter2scatter_args> &calls) {
    std::vector<std::string> problems(calls.size());
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
        threads.emplace_back([&] {
            for (std::size_t at = next++; at < calls.size(); at = next++)
                problems[at] = problem_of(calls[at]);
        });
    threads.clear();
    return problems;
}

std::vector<Place> race(std::vector<Choice> &tiles,
                        const std::function<double(std::size_t tile, const Timing &)> &time) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                     std::chrono::duration<double>(kRaceSeconds));
    std::vector<Place> places;
    double fastest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        if (!tiles[i].refused.empty())
            continue;
        if (!places.empty() && Clock::now() > end) {
            tiles[i].left_out = true;
            continue;
        }
        places.push_back({i, time(i, kGlance)});
        fastest = std::min(fastest, places.back().ns);
    }
    if (places.empty())
        throw std::runtime_error("no tile can run: " +
                                 (tiles.empty() ? "there is none" : tiles.back().refused));
    for (Place &place : places) {
        if (place.ns < kWorthAnotherLook * fastest)
            place.ns = time(place.tile, kLook);
        tiles[place.tile].ns = place.ns;
    }
    std::sort(places.begin(), places.end(), [](auto &a, auto &b) { return a.ns < b.ns; });
    return places;
}

} // namespace moescope::bench
