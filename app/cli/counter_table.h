// The hardware counters of a run as a terminal shows them.
#pragma once

#include "profiler/metrics/metric_sets.h"
#include "profiler/session/session.h"

#include <string>

namespace moescope::cli {

// A table a measurement that has counters: a row a metric, a column a range (the whole repetition, then
// each kernel); "" where there are none.
std::string counter_tables(const Session &session, RunId run, const MetricSets &sets);

} // namespace moescope::cli
