// How far one machine's clock is from another's, from messages there and back (Cristian, "Probabilistic
// clock synchronization", 1989): the quickest trip says most, and half of it is all it can be wrong by.
#pragma once

#include <cstdint>
#include <span>

namespace moescope {

struct RoundTrip {
    std::int64_t sent_ns = 0, answered_ns = 0, received_ns = 0; // answered: by the other one's clock
};

struct ClockOffset {
    std::int64_t offset_ns = 0;      // the other clock minus this one
    std::int64_t uncertainty_ns = 0; // it is within this of the truth
    std::int64_t round_trip_ns = 0;  // of the quickest
    friend bool operator==(const ClockOffset &, const ClockOffset &) = default;
};

// Of at least one trip.
ClockOffset clock_offset(std::span<const RoundTrip> trips);

// What to take off the times between two estimates, where clocks drift apart slowly: the middle of
// both, as uncertain as either and as half the drift.
ClockOffset between(const ClockOffset &before, const ClockOffset &after);

} // namespace moescope
