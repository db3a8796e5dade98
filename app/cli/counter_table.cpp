#include "app/cli/counter_table.h"

#include "app/cli/text_table.h"
#include "app/views/kernel_name.h"
#include "profiler/explain/counters.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

namespace moescope::cli {

namespace {

std::string range_title(const Session &session, const CounterRange &range) {
    if (range.kernel < 0)
        return "repetition";
    return fmt::format("{}: {}", range.kernel + 1, short_kernel_name(session.name(range.name)));
}

std::string table_of(const Session &session, std::span<const CounterRange> ranges, const MetricSets &sets) {
    std::vector<TextColumn> columns = {{"counter"}};
    std::vector<NameId> metrics; // in the order they were read
    for (const CounterRange &range : ranges) {
        columns.push_back({range_title(session, range), Align::Right});
        for (const CounterRange::Value &value : range.values)
            if (std::ranges::find(metrics, value.metric) == metrics.end())
                metrics.push_back(value.metric);
    }
    std::vector<std::vector<std::string>> rows;
    for (const NameId metric : metrics) {
        std::vector<std::string> row = {sets.title(session.name(metric))};
        for (const CounterRange &range : ranges) {
            const auto value = std::ranges::find(range.values, metric, &CounterRange::Value::metric);
            row.push_back(value == range.values.end() ? "" : sets.value_text(session.name(metric), value->value));
        }
        rows.push_back(std::move(row));
    }
    return text_table(columns, rows);
}

} // namespace

std::string counter_tables(const Session &session, RunId run, const MetricSets &sets) {
    CountersByMeasurement counters;
    counters.update(session);
    std::string text;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        const auto ranges = counters.of({i});
        if (m.run == run && !ranges.empty())
            text += fmt::format("\n{}/{}: hardware counters\n", info(m.op).name, m.variant) +
                    table_of(session, ranges, sets);
    }
    return text;
}

} // namespace moescope::cli
