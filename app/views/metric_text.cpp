#include "app/views/metric_text.h"

#include "profiler/base/assets.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

namespace moescope {

const MetricSets &known_metrics() {
    static const MetricSets known = [] {
        auto loaded = load_metric_sets(find_asset("metrics.json"));
        return loaded ? std::move(*loaded) : MetricSets{};
    }();
    return known;
}

std::string explain_metric(std::string_view metric) {
    const NamedMetric *named = known_metrics().find_metric(metric);
    if (!named)
        return fmt::format("Measured by the hardware counter {}.", metric);
    return fmt::format("Measured by the hardware counter {}, in passes of their own.\n{}", metric,
                       named->explain);
}

std::string quantity_text(const ComparedQuantity &quantity, const std::optional<double> &value) {
    if (!value)
        return "–";
    return quantity.bytes ? format_bytes(*value) : known_metrics().value_text(quantity.name, *value);
}

bool is_percentage(std::string_view metric) {
    if (const NamedMetric *named = known_metrics().find_metric(metric))
        return named->unit == "%";
    return metric.find(".pct") != std::string_view::npos;
}

} // namespace moescope
