// A repetition's times from what a capture saw of it.
#pragma once

#include "profiler/worker/device.h"

#include <cstdint>
#include <map>

namespace moescope {

struct RepetitionTimes {
    double span_ns = 0;   // first start to last end, of kernels, copies and fills
    double kernel_ns = 0; // sum of their durations
    double gap_ns = 0;    // of the span, when none of them ran
    std::int32_t kernels = 0;
};

// By repetition (0 and up), of one measurement. Only repetitions with at least one kernel.
std::map<std::int32_t, RepetitionTimes> repetition_times(const CaptureBatch &batch, MeasurementId measurement);

// Events round a repetition took so much longer than what the capture saw of it that launches are missing:
// those of a library that the capture does not tie to the repetition, as NCCL's.
bool misses_kernels(double captured_ns, double event_ns);

} // namespace moescope
