// Finds the best tile configuration of an operator's variant: compiles candidates in parallel, prunes
// on what the compiler reported, times the survivors. Every candidate is told with its fate.
#pragma once

#include "profiler/tune/tuned_configs.h"
#include "profiler/worker/device.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/worker/run_events.h"

#include <atomic>
#include <cstdint>
#include <string>

namespace moescope {

// Changes whenever a kernel's source does, so that old tunings do not outlive it.
std::string kernels_version();

struct TuneRequest {
    const Plan &plan;
    const PlanItem &item;
    std::uint32_t first_candidate = 0; // number of the first one in the run
    bool capture = false;
    double progress_from = 0, progress_to = 1; // of the run
};

// Tunes the variant of a prepared operator; stores the best in `tuned`. Returns how many candidates
// there were. Errors: the operator has no tiles on this device, no candidate could be timed, the device
// failed. Cancelled: returns early, nothing is stored.
Result<std::uint32_t> tune(Device &device, Operator &op, const TuneRequest &request, RunEvents &events,
                           TunedConfigs &tuned, const std::atomic<bool> &cancelled);

} // namespace moescope
