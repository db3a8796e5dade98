// CUPTI's calls as Results, and its record types under our own names: newer toolkits version the
// structs, so that a change stays in this file.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/records.h"

#include <cupti.h>

#include <string>

// Every parameter block of CUPTI's profilers begins with its size, and what is not set must be zero.
#define MOESCOPE_CUPTI_PARAMS(name, type)                                                          \
    type name{};                                                                                   \
    name.structSize = type##_STRUCT_SIZE

namespace moescope::cupti {

using KernelActivity = CUpti_ActivityKernel10;
using MemcpyActivity = CUpti_ActivityMemcpy6;
using MemsetActivity = CUpti_ActivityMemset4;
using MemoryActivity = CUpti_ActivityMemory4;
using OverheadActivity = CUpti_ActivityOverhead3;

// The error names the call; `remedy` for the causes a user can mend (privilege, another tool, ...).
Status check(CUptiResult result, const char *call);

std::string demangled(const char *name); // as it is where it is no C++ name

// A collector's entry among a device's capabilities, from what came of trying it. if_failed: "refused" or
// "absent".
DeviceInfo::Capability capability(const std::string &collector, const Status &state, const char *if_failed);

} // namespace moescope::cupti
