// The unit a hardware metric is read in, from its name: CUPTI names its metrics by rule.
#pragma once

#include <string>
#include <string_view>

namespace moescope {

// "dram__bytes_read.sum" -> "bytes", "sm__cycles_active.avg.pct_of_peak_sustained_elapsed" -> "%",
// "dram__bytes_read.sum.per_second" -> "bytes/s"; "count" where the name tells nothing more.
std::string metric_unit(std::string_view metric);

} // namespace moescope
