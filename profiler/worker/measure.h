// Runs a selected operator until its median is known well enough: warm-up, batches of repetitions,
// the stop rule, and the statistics of what came out.
#pragma once

#include "profiler/worker/device.h"
#include "profiler/worker/operators/operator.h"

#include <atomic>
#include <functional>

namespace moescope {

// Whether a measurement may end: the confidence interval is narrow enough, or a limit is reached.
bool enough_samples(const Repetition &rule, const Summary &time, double elapsed_seconds);

struct MeasureOptions {
    Repetition rule;
    CacheState cache = CacheState::Cold;
    bool capture = false; // the device is capturing: take times from its records
    MeasurementId tag;    // of the repetitions
    const std::atomic<bool> &cancelled;
    std::function<void(const Measurement &)> on_update;    // a few times a second
    std::function<void(const CaptureBatch &)> on_records;
};

// Fills in samples, statistics, timer, kernel and gap times of `out`; false if it was cancelled (what
// was measured until then is in `out`). Where a capture gives no kernels the times are the events',
// and out.timer says so. Errors: a launch or the device failed.
Result<bool> measure(Device &device, Operator &op, const MeasureOptions &options, Measurement &out);

} // namespace moescope
