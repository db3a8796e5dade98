// What a chip can count and what a choice costs: asked of CUPTI's Host API, so that it can be answered
// on a machine without a GPU too.
#pragma once

#include "profiler/metrics/metric.h"

namespace moescope {

// Errors are in the answer: an unknown chip, a worker built without CUDA, no CUPTI.
MetricsAnswer answer_metrics(const MetricsRequest &request);

} // namespace moescope
