#include "app/cli/counter_table.h"

#include "app/cli/text_table.h"
#include "app/views/kernel_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace moescope::cli {

namespace {

struct Grid {
    std::vector<NameId> metrics;               // in the order they were read
    std::map<std::int32_t, NameId> ranges;     // by kernel's place; -1: the repetition
    std::map<std::pair<std::int32_t, std::uint32_t>, double> values; // by range and metric

    void add(const CounterRecord &record) {
        if (std::ranges::find(metrics, record.metric) == metrics.end())
            metrics.push_back(record.metric);
        ranges[record.kernel] = record.range;
        values[{record.kernel, record.metric.value}] = record.value;
    }
};

std::string range_title(const Session &session, std::int32_t kernel, NameId name) {
    if (kernel < 0)
        return "repetition";
    return fmt::format("{}: {}", kernel + 1, short_kernel_name(session.name(name)));
}

std::string table_of(const Session &session, const Grid &grid, const MetricSets &sets) {
    std::vector<TextColumn> columns = {{"counter"}};
    for (const auto &[kernel, name] : grid.ranges)
        columns.push_back({range_title(session, kernel, name), Align::Right});
    std::vector<std::vector<std::string>> rows;
    for (const NameId metric : grid.metrics) {
        std::vector<std::string> row = {sets.title(session.name(metric))};
        for (const auto &[kernel, name] : grid.ranges) {
            const auto value = grid.values.find({kernel, metric.value});
            row.push_back(value == grid.values.end() ? "" : sets.value_text(session.name(metric), value->second));
        }
        rows.push_back(std::move(row));
    }
    return text_table(columns, rows);
}

} // namespace

std::string counter_tables(const Session &session, RunId run, const MetricSets &sets) {
    std::map<std::uint32_t, Grid> grids; // by measurement
    for (const CounterRecord &record : session.counters)
        if (record.measurement.valid() && session.measurements[record.measurement.value].run == run)
            grids[record.measurement.value].add(record);
    std::string text;
    for (const auto &[index, grid] : grids) {
        const Measurement &m = session.measurements[index];
        text += fmt::format("\n{}/{}: hardware counters\n", info(m.op).name, m.variant) + table_of(session, grid, sets);
    }
    return text;
}

} // namespace moescope::cli
