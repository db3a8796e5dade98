// The stretch of time a timeline shows, in nanoseconds after its origin, and how it moves.
#pragma once

namespace moescope {

struct TimeRange {
    double start_ns = 0, end_ns = 1;
    double span() const { return end_ns - start_ns; }
    friend bool operator==(const TimeRange &, const TimeRange &) = default;
};

inline constexpr double kLeastSpanNs = 20;

// Kept within `whole` and a little room round it, no shorter than kLeastSpanNs.
TimeRange kept_within(TimeRange range, TimeRange whole);
// About a time by a factor: < 1 zooms in.
TimeRange zoomed_about(TimeRange range, double time_ns, double factor);
TimeRange moved(TimeRange range, double by_ns);
// All of `what` in sight, with room on both sides.
TimeRange fitted_to(TimeRange what);

} // namespace moescope
