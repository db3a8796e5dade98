// Whether this user may read the GPU's counters, as far as the machine tells without a CUDA context:
// for lists of devices and for remedies that name the very thing to do.
#pragma once

#include "profiler/session/records.h"

#include <string>
#include <string_view>

namespace moescope {

struct CounterAccess {
    bool admin_only = false;   // the driver's RmProfilingAdminOnly
    bool privileged = false;   // CAP_SYS_ADMIN or CAP_PERFMON
    bool in_container = false;
    bool cupti = true;         // false: switched off by MOESCOPE_NO_CUPTI
};

// From the contents of /proc/driver/nvidia/params and /proc/self/status.
bool profiling_is_admin_only(std::string_view driver_params);
bool has_profiling_capability(std::string_view process_status);
CounterAccess counter_access(); // of this process

// What would let a user read counters who may not: other words inside a container and outside.
std::string counter_remedy(const CounterAccess &access);
inline constexpr const char *kHardwareCounters = "hardware counters"; // the capability's name
// The samplers' too: they read the same counters.
DeviceInfo::Capability counter_capability(const CounterAccess &access, const char *collector = kHardwareCounters);

} // namespace moescope
