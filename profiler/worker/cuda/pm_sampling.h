// CUPTI's PM sampling: the GPU itself notes counters every few microseconds, in one pass. It may hold the
// clocks meanwhile, so nothing is timed beside it.
//
// Lifecycle: open_pm_sampling() with a context current, start()/stop() as often as wanted. The destructor
// gives the GPU's counters back.
#pragma once

#include "profiler/worker/device.h"
#include "profiler/worker/samplers.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace moescope {

// metrics may name alternatives (profiler/metrics/metric.h). `access` says whether this device and user may
// sample at all (a refusal: no privilege, another tool holds the counters); other errors are the choice's:
// a metric this chip does not offer, or more of them than one pass can count, and how many it would take.
Result<std::unique_ptr<PmSampler>> open_pm_sampling(int device_index, const std::vector<std::string> &metrics,
                                                    std::int64_t interval_ns, NameTable &names,
                                                    Status &access);

} // namespace moescope
