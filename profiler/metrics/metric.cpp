#include "profiler/metrics/metric.h"

#include <algorithm>
#include <cstddef>

namespace moescope {

const char *name_of(MetricKind kind) {
    switch (kind) {
    case MetricKind::Counter:
        return "counter";
    case MetricKind::Ratio:
        return "ratio";
    case MetricKind::Throughput:
        return "throughput";
    }
    return "";
}

std::string usual_suffix(const MetricInfo &metric) {
    switch (metric.kind) {
    case MetricKind::Counter:
        return ".sum";
    case MetricKind::Ratio:
        // A rate is read as a percentage; an average (warps per issue) as the number it is.
        return metric.unit.empty() && !metric.name.starts_with("smsp__average") ? ".pct" : ".ratio";
    case MetricKind::Throughput:
        return ".avg.pct_of_peak_sustained_elapsed";
    }
    return "";
}

std::string readable_name(const MetricInfo &metric) { return metric.name + usual_suffix(metric); }

std::vector<std::string> alternatives(const std::string &metric) {
    std::vector<std::string> names;
    std::size_t begin = 0;
    while (begin <= metric.size()) {
        const std::size_t end = std::min(metric.find('|', begin), metric.size());
        if (end > begin)
            names.push_back(metric.substr(begin, end - begin));
        begin = end + 1;
    }
    return names;
}

} // namespace moescope
