// Passes over a run's operators after everything was timed: their launches in a row, some tens of
// milliseconds each, while counters over time or the warps' places are sampled. Nothing is timed here.
#pragma once

#include "profiler/worker/device.h"
#include "profiler/worker/operators/routing_inputs.h"
#include "profiler/worker/run_events.h"
#include "profiler/worker/samplers.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace moescope {

// An item that was measured: what its launches take, with the tiles it had.
struct SampledItem {
    std::uint32_t item = 0;
    std::string variant; // as it is launched
    TileConfig config;
    double median_ns = 0;
};

// How many launches in a row fill the time one item is sampled for: at least one, a few where that fits.
std::int32_t launches_of(double median_ns, double most_ns);
// The time a sampler of counters has room for.
double sampled_ns(std::int64_t interval_ns);

// The samples that lie between two times or next to them: before and after, the device idled.
std::vector<PmSample> within(std::vector<PmSample> samples, std::int64_t start_ns, std::int64_t end_ns);

struct SamplingPass {
    Device &device;
    const Plan &plan;
    const PreparedRouting &routing;
    RunEvents &events;
    const std::atomic<bool> &cancelled;

    // Errors: the device is no longer usable. What else goes wrong with one item is told and the rest
    // goes on.
    Status sample_counters(PmSampler &sampler, const std::vector<SampledItem> &items) const;
    Status sample_places(PcSampler &sampler, const std::vector<SampledItem> &items) const;
};

} // namespace moescope
