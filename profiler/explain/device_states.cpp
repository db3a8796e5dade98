#include "profiler/explain/device_states.h"

#include <algorithm>

namespace moescope {

namespace {

void add(DeviceStates &states, const DeviceStateRecord &r) {
    const auto widen = [&](std::int32_t &low, std::int32_t &high, std::int32_t value) {
        low = states.readings == 0 ? value : std::min(low, value);
        high = states.readings == 0 ? value : std::max(high, value);
    };
    widen(states.sm_clock_low, states.sm_clock_high, r.sm_clock_mhz);
    widen(states.memory_clock_low, states.memory_clock_high, r.memory_clock_mhz);
    widen(states.temperature_low, states.temperature_high, r.temperature_c);
    states.power_mean += (r.power_w - states.power_mean) / double(states.readings + 1);
    states.power_high = std::max(states.power_high, r.power_w);
    states.reasons |= r.clock_event_reasons;
    ++states.readings;
}

} // namespace

std::optional<DeviceStates> device_states(const Session &session, RunId run, std::int64_t from_ns,
                                          std::int64_t to_ns) {
    DeviceStates inside;
    const DeviceStateRecord *before = nullptr, *after = nullptr;
    for (const DeviceStateRecord &r : session.device_states) {
        if (r.run != run)
            continue;
        if (r.time_ns < from_ns)
            before = !before || r.time_ns > before->time_ns ? &r : before;
        else if (r.time_ns > to_ns)
            after = !after || r.time_ns < after->time_ns ? &r : after;
        else
            add(inside, r);
    }
    if (inside.readings == 0)
        for (const DeviceStateRecord *nearest : {before, after})
            if (nearest)
                add(inside, *nearest);
    return inside.readings > 0 ? std::optional(inside) : std::nullopt;
}

} // namespace moescope
