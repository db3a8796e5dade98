// CUPTI's calls as Results, and its record types under our own names: newer toolkits version the
// structs, so that a change stays in this file.
#pragma once

#include "profiler/base/result.h"

#include <cupti.h>

#include <string>

namespace moescope::cupti {

using KernelActivity = CUpti_ActivityKernel10;
using MemcpyActivity = CUpti_ActivityMemcpy6;
using MemsetActivity = CUpti_ActivityMemset4;
using MemoryActivity = CUpti_ActivityMemory4;
using OverheadActivity = CUpti_ActivityOverhead3;

// The error names the call; `remedy` for the two causes a user can mend (privilege, another tool).
Status check(CUptiResult result, const char *call);

} // namespace moescope::cupti
