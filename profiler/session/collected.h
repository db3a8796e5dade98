// With what a run's numbers were collected, and where less was used than asked for.
#pragma once

#include "profiler/session/session.h"

#include <string>
#include <vector>

namespace moescope {

// Names of collectors among a device's capabilities.
inline constexpr const char *kPmSampling = "pm sampling", *kPcSampling = "pc sampling";

// The collector's entry; null where the device says nothing of it.
const DeviceInfo::Capability *find_capability(const DeviceInfo &device, std::string_view collector);

// "hardware counters were not read: ...", "times are CUDA events' instead of CUPTI's: ...": a sentence for
// each step down, none where everything asked for was collected.
std::vector<std::string> steps_down(const Session &session, RunId run);

} // namespace moescope
