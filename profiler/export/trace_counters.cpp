#include "profiler/export/trace_counters.h"

#include "profiler/explain/counters.h"
#include "profiler/metrics/metric_unit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace moescope {

namespace {

using Kernels = std::vector<std::size_t>; // indices into Session::kernels

// The first repetition of each measurement that has counters, its kernels by start.
std::map<std::uint32_t, Kernels> first_repetitions(const Session &session) {
    std::map<std::uint32_t, Kernels> kernels;
    for (const CounterRecord &counter : session.counters)
        kernels[counter.measurement.value];
    std::map<std::uint32_t, std::int32_t> first;
    for (std::size_t at = 0; at < session.kernels.size(); ++at) {
        const Tag tag = session.kernels[at].tag;
        const auto wanted = kernels.find(tag.measurement.value);
        if (tag.repetition < 0 || wanted == kernels.end())
            continue;
        const auto seen = first.try_emplace(tag.measurement.value, tag.repetition).first;
        if (tag.repetition < seen->second)
            wanted->second.clear();
        seen->second = std::min(seen->second, tag.repetition);
        if (tag.repetition == seen->second)
            wanted->second.push_back(at);
    }
    for (auto &[measurement, of] : kernels)
        std::stable_sort(of.begin(), of.end(), [&](std::size_t a, std::size_t b) {
            return session.kernels[a].start_ns < session.kernels[b].start_ns;
        });
    return kernels;
}

// Gives the range its time; false where nothing shows when its launches ran.
bool place(TraceCounterRange &range, const Session &session, const Kernels &kernels) {
    if (kernels.empty() || (range.kernel >= 0 && std::size_t(range.kernel) >= kernels.size()))
        return false;
    const bool whole = range.kernel < 0;
    const KernelRecord &first = session.kernels[kernels[whole ? 0 : std::size_t(range.kernel)]];
    range.device = first.device;
    range.start_ns = first.start_ns;
    range.end_ns = first.end_ns;
    if (!whole)
        range.on = kernels[std::size_t(range.kernel)];
    else
        for (const std::size_t at : kernels)
            range.end_ns = std::max(range.end_ns, session.kernels[at].end_ns);
    return true;
}

void add_pm_samples(const Session &session, std::vector<TracePoint> &points) {
    struct Metric {
        std::string name, unit;
    };
    std::map<std::uint32_t, Metric> metrics;
    for (const PmSampleRecord &sample : session.pm_samples) {
        if (!std::isfinite(sample.value) || session.name(sample.metric).empty())
            continue;
        const auto [at, is_new] = metrics.try_emplace(sample.metric.value);
        if (is_new) {
            at->second.name = session.name(sample.metric);
            at->second.unit = metric_unit(at->second.name);
        }
        const auto &[name, unit] = at->second;
        points.push_back({sample.device, name, unit, sample.start_ns, sample.value});
        points.push_back({sample.device, name, unit, sample.end_ns, 0});
    }
}

void add_device_states(const Session &session, std::vector<TracePoint> &points) {
    for (const DeviceStateRecord &state : session.device_states) {
        const auto add = [&](const char *track, const char *unit, double value) {
            if (std::isfinite(value))
                points.push_back({state.device, track, unit, state.time_ns, value});
        };
        add("SM clock", "MHz", state.sm_clock_mhz);
        add("memory clock", "MHz", state.memory_clock_mhz);
        add("temperature", "degC", state.temperature_c);
        add("power", "W", state.power_w);
        add("clock event reasons", "NVML bits", double(state.clock_event_reasons));
    }
}

bool same_moment(const TracePoint &a, const TracePoint &b) {
    return std::tie(a.pid, a.track, a.time_ns) == std::tie(b.pid, b.track, b.time_ns);
}

} // namespace

std::vector<TraceCounterRange> place_counters(const Session &session) {
    const auto kernels = first_repetitions(session);
    CountersByMeasurement counters;
    counters.update(session);
    std::vector<TraceCounterRange> placed;
    for (const auto &[measurement, launches] : kernels)
        for (const CounterRange &counted : counters.of({measurement})) {
            TraceCounterRange range{.measurement = {measurement}, .kernel = counted.kernel};
            for (const CounterRange::Value &value : counted.values)
                if (std::isfinite(value.value) && !session.name(value.metric).empty())
                    range.values.emplace_back(value.metric, value.value);
            if (!range.values.empty() && place(range, session, launches))
                placed.push_back(std::move(range));
        }
    return placed;
}

std::vector<TracePoint> sampled_points(const Session &session) {
    std::vector<TracePoint> points;
    add_pm_samples(session, points);
    add_device_states(session, points);
    // A sample's end comes before the next one's start where both fall together, and gives way.
    std::stable_sort(points.begin(), points.end(), [](const TracePoint &a, const TracePoint &b) {
        return std::tie(a.pid, a.track, a.time_ns) < std::tie(b.pid, b.track, b.time_ns);
    });
    std::vector<TracePoint> kept;
    for (TracePoint &point : points) {
        if (!kept.empty() && same_moment(kept.back(), point))
            kept.back() = std::move(point);
        else
            kept.push_back(std::move(point));
    }
    return kept;
}

} // namespace moescope
