// Which tile configurations are not worth timing, from what the compiler reported of them.
#pragma once

#include "profiler/session/records.h"

#include <string>

namespace moescope {

// Sets blocks_per_sm of a compiled candidate. Returns why it is pruned, with the numbers; "" if it is
// worth timing.
std::string prune_reason(const DeviceInfo &device, Candidate &candidate);

} // namespace moescope
