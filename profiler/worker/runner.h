// Carries out a plan on a device: routing, tuning, then every item in turn. An item that fails does
// not end the run; a device that is lost does.
#pragma once

#include "profiler/plan/plan.h"
#include "profiler/tune/tuned_configs.h"
#include "profiler/worker/device.h"
#include "profiler/worker/run_events.h"

#include <atomic>

namespace moescope {

struct RunOutcome {
    RunRecord::State state = RunRecord::State::Done;
    // A failed kernel left the device unusable for this process (a sticky CUDA error): nothing more
    // can run here, and what is left is best run by a new process.
    bool device_lost = false;
    Error error; // why, when lost or when nothing could run
};

// Failed: no item could be measured. Cancelled: `cancelled` became true, which is looked at between
// repetitions.
// Items with a default config take the tuned one where `tuned` has it.
RunOutcome run_plan(Device &device, const Plan &plan, RunEvents &events, TunedConfigs &tuned,
                    const std::atomic<bool> &cancelled);

} // namespace moescope
