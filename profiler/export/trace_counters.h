// Where hardware counters go in a Chrome trace. They come from passes of their own and so have no
// time: each range is drawn over what it counted in the measurement's first repetition.
#pragma once

#include "profiler/session/session.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moescope {

struct TraceCounterRange {
    MeasurementId measurement;
    std::int32_t kernel = -1; // place in the repetition; -1: the whole of it
    std::vector<std::pair<NameId, double>> values; // finite ones, each metric once: its last value
    std::int64_t start_ns = 0, end_ns = 0;
    std::uint32_t device = 0;
    std::optional<std::size_t> on; // the kernel it counted by itself: index into Session::kernels
};

// By measurement, the whole repetition before its kernels. What was counted of launches that no
// activity record shows has no place on a time axis, and is left out.
std::vector<TraceCounterRange> place_counters(const Session &session);

// One point of a counter track; it holds until the track's next point.
struct TracePoint {
    std::uint32_t pid = 0;
    std::string track, series; // what, and in which unit
    std::int64_t time_ns = 0;
    double value = 0;
};

// PM samples and the device's state, tracks together, each by time.
std::vector<TracePoint> sampled_points(const Session &session);

} // namespace moescope
