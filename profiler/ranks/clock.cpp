#include "profiler/ranks/clock.h"

#include <algorithm>
#include <cstdlib>

namespace moescope {

ClockOffset clock_offset(std::span<const RoundTrip> trips) {
    const RoundTrip &best = *std::ranges::min_element(
        trips, {}, [](const RoundTrip &trip) { return trip.received_ns - trip.sent_ns; });
    const std::int64_t took = best.received_ns - best.sent_ns;
    return {best.answered_ns - (best.sent_ns + took / 2), (took + 1) / 2, took};
}

ClockOffset between(const ClockOffset &before, const ClockOffset &after) {
    const std::int64_t drift = after.offset_ns - before.offset_ns;
    return {before.offset_ns + drift / 2,
            std::max(before.uncertainty_ns, after.uncertainty_ns) + (std::abs(drift) + 1) / 2,
            std::min(before.round_trip_ns, after.round_trip_ns)};
}

} // namespace moescope
