// The metrics that assets/metrics.json explains, for views: titles, units and words.
#pragma once

#include "profiler/compare/comparison.h"
#include "profiler/metrics/metric_sets.h"

#include <optional>
#include <string>
#include <string_view>

namespace moescope {

// Read once. Empty where the file cannot be read: metrics then go by CUPTI's names.
const MetricSets &known_metrics();

// "DRAM read (dram__bytes_read.sum): bytes the device's memory delivered ..."
std::string explain_metric(std::string_view metric);

// A value to be read on its own: of a counter, or an amount of memory ("–" where there is none).
std::string quantity_text(const ComparedQuantity &quantity, const std::optional<double> &value);

// Whether values go from 0 to 100.
bool is_percentage(std::string_view metric);

} // namespace moescope
