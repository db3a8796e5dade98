// What the device did while something was measured: the range of its clocks, temperature and power.
#pragma once

#include "profiler/session/session.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace moescope {

struct DeviceStates {
    std::size_t readings = 0;
    std::int32_t sm_clock_low = 0, sm_clock_high = 0; // MHz
    std::int32_t memory_clock_low = 0, memory_clock_high = 0;
    std::int32_t temperature_low = 0, temperature_high = 0; // degrees Celsius
    double power_mean = 0, power_high = 0;                  // watts
    std::uint64_t reasons = 0; // nvmlClocksEventReasons bits of all readings
};

// Of the run's readings in [from_ns, to_ns]; where none fell into it, of the nearest one on each
// side. Nothing where the run has none.
std::optional<DeviceStates> device_states(const Session &session, RunId run, std::int64_t from_ns,
                                          std::int64_t to_ns);

} // namespace moescope
