#include "profiler/metrics/metric_unit.h"

#include <utility>

namespace moescope {

namespace {

const char *counted(std::string_view base) {
    // The most telling word first: cycles of a tensor pipe are cycles, not instructions.
    for (const auto &[word, unit] : {std::pair<std::string_view, const char *>{"bytes", "bytes"},
                                     {"time_duration", "ns"},
                                     {"cycles", "cycles"},
                                     {"sectors", "sectors"},
                                     {"requests", "requests"},
                                     {"warps", "warps"},
                                     {"inst", "instructions"}})
        if (base.find(word) != std::string_view::npos)
            return unit;
    return "count";
}

} // namespace

std::string metric_unit(std::string_view metric) {
    const std::size_t dot = metric.find('.');
    const std::string_view suffix = dot == std::string_view::npos ? "" : metric.substr(dot);
    const auto has = [&](std::string_view part) {
        return suffix.find(part) != std::string_view::npos;
    };
    if (has(".pct"))
        return "%";
    if (has(".ratio"))
        return "ratio";
    const std::string unit = counted(metric.substr(0, dot));
    if (has(".per_second"))
        return unit + "/s";
    if (has(".per_cycle"))
        return unit + "/cycle";
    return unit;
}

} // namespace moescope
