// What a launch belongs to where the capture does not say so.
#pragma once

#include "profiler/worker/device.h"

namespace moescope {

// CUPTI ties a launch to what was pushed through its runtime call. A library that launches through the
// driver's interface, as NCCL does, makes no such call; but correlations count the calls of a process in
// order, so that a launch between two calls of one repetition was made in it. Gives those kernels and
// copies its tag; the others stay as they are.
void tag_by_order(CaptureBatch &batch);

} // namespace moescope
