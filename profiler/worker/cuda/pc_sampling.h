// CUPTI's PC sampling: every few thousand cycles each multiprocessor notes an instruction a warp is at, and
// why it waits there. Nothing is timed beside it.
//
// Lifecycle: open_pc_sampling() with a context current, start()/stop() as often as wanted. The destructor
// gives the GPU's counters back.
#pragma once

#include "profiler/worker/device.h"
#include "profiler/worker/samplers.h"

#include <functional>
#include <memory>
#include <string>

namespace moescope {

// "smsp__pcsamp_warps_issue_stalled_long_scoreboard" is "long_scoreboard".
std::string stall_name(std::string_view cupti_name);

// at_end runs when the sampler goes. Errors: no privilege, another tool holds the counters, a device
// without it.
Result<std::unique_ptr<PcSampler>> open_pc_sampling(NameTable &names, std::function<void()> at_end);

} // namespace moescope
