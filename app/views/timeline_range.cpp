#include "app/views/timeline_range.h"

#include <algorithm>

namespace moescope {

TimeRange kept_within(TimeRange range, TimeRange whole) {
    const double room = std::max(whole.span() * 0.05, kLeastSpanNs);
    const double low = whole.start_ns - room, high = whole.end_ns + room;
    const double span = std::clamp(range.span(), kLeastSpanNs, std::max(kLeastSpanNs, high - low));
    const double middle = (range.start_ns + range.end_ns) / 2;
    const double start = std::clamp(middle - span / 2, low, std::max(low, high - span));
    return {start, start + span};
}

TimeRange zoomed_about(TimeRange range, double time_ns, double factor) {
    return {time_ns + (range.start_ns - time_ns) * factor,
            time_ns + (range.end_ns - time_ns) * factor};
}

TimeRange moved(TimeRange range, double by_ns) {
    return {range.start_ns + by_ns, range.end_ns + by_ns};
}

TimeRange fitted_to(TimeRange what) {
    const double room = std::max(what.span() * 0.03, kLeastSpanNs / 2);
    return {what.start_ns - room, what.end_ns + room};
}

} // namespace moescope
