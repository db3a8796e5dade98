// Finding a metric among a chip's thousands.
#pragma once

#include "profiler/metrics/metric.h"

#include <string_view>
#include <vector>

namespace moescope {

// Those that have every word of `text` in their name or description, whatever the case: first where all
// words are in the name, then the others, each in the catalogue's order. All of them for no words.
std::vector<const MetricInfo *> search_metrics(const std::vector<MetricInfo> &catalogue, std::string_view text);

} // namespace moescope
