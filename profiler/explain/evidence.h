// How a number came about: what every view says beside it.
#pragma once

#include <cstdint>

namespace moescope {

enum class Evidence : std::uint8_t {
    Measured,  // read from a clock, a counter or the ledger
    Modelled,  // follows from the workload and the device's ceilings
    Estimated, // measured numbers put together under an assumption
    Reported,  // a fact that the plan, the driver or the compiler states
};

constexpr const char *name_of(Evidence evidence) {
    constexpr const char *kNames[] = {"measured", "modelled", "estimated", "reported"};
    return unsigned(evidence) < 4 ? kNames[unsigned(evidence)] : "unknown";
}

} // namespace moescope
