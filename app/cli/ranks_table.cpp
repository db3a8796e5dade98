#include "app/cli/ranks_table.h"

#include "app/cli/text_table.h"
#include "app/views/measurement_text.h"
#include "profiler/base/units.h"
#include "profiler/explain/parallel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace moescope::cli {

namespace {

constexpr const char *kNothing = "–";

const RunRecord &first_there(const Session &session, const std::vector<RunId> &ranks) {
    for (const RunId rank : ranks)
        if (!is_absent(session.runs[rank.value]))
            return session.runs[rank.value];
    return session.runs[ranks.front().value];
}

std::string headline(const Session &session, const std::vector<RunId> &ranks) {
    const RunRecord &first = first_there(session, ranks);
    const ModelShape &model = first.plan.workload.model;
    std::string text =
        fmt::format("{}, {} on {}, {} each, {}", model.name, counted(std::size_t(first.plan.workload.tokens), "token"),
                    counted(ranks.size(), "rank"), counted(std::size_t(model.experts) / ranks.size(), "expert"),
                    first.device.name);
    for (const DeviceInfo::Capability &each : first.device.capabilities)
        if (each.collector == "rank transport")
            text += ", " + each.reason;
    std::int64_t uncertainty = 0;
    for (const RunId rank : ranks)
        uncertainty = std::max(uncertainty, session.runs[rank.value].device.clock_uncertainty_ns);
    text += fmt::format("; clocks within {}\n", format_duration_ns(double(uncertainty)));
    for (const std::string &lost : lost_ranks(session, ranks))
        text += lost + ": the others are shown\n";
    return text;
}

// Of the link's own rate, where the driver tells it.
std::string of_link(double per_second, double link) {
    return per_second > 0 && link > 0 ? fmt::format("{:.0f} %", 100 * per_second / link) : kNothing;
}

std::string step_table(const Session &session, const std::vector<RunId> &ranks) {
    const double link = first_there(session, ranks).device.link_bytes_per_second;
    std::vector<std::vector<std::string>> rows;
    for (const RankStep &step : rank_steps(session, ranks)) {
        const auto bandwidth = [](double value) { return value > 0 ? format_bandwidth(value) : kNothing; };
        rows.push_back({std::string(info(step.op).name), step.variant, format_duration_ns(step.slowest_ns),
                        format_duration_ns(step.fastest_ns),
                        step.exchange_alone ? format_duration_ns(step.exchange_ns) : kNothing,
                        bandwidth(step.algorithm_bytes_per_second), bandwidth(step.bus_bytes_per_second),
                        of_link(step.bus_bytes_per_second, link),
                        step.worst_error < 0    ? kNothing
                        : step.worst_error == 0 ? "exact"
                                                : fmt::format("{:.1e}", step.worst_error)});
    }
    return text_table({{"operator"}, {"variant"}, {"slowest rank", Align::Right}, {"fastest", Align::Right},
                       {"exchange", Align::Right}, {"algorithm", Align::Right}, {"bus", Align::Right},
                       {"of the link", Align::Right}, {"against one device", Align::Right}},
                      rows);
}

std::string traffic_table(const RankTraffic &traffic) {
    std::vector<TextColumn> columns = {{"rows sent by"}};
    std::vector<std::vector<std::string>> rows;
    for (std::int32_t to = 0; to < traffic.ranks; ++to)
        columns.push_back({fmt::format("to rank {}", to), Align::Right});
    for (std::int32_t from = 0; from < traffic.ranks; ++from) {
        std::vector<std::string> row = {fmt::format("rank {}", from)};
        for (std::int32_t to = 0; to < traffic.ranks; ++to)
            row.push_back(std::to_string(traffic.at(from, to)));
        rows.push_back(std::move(row));
    }
    return text_table(columns, rows) + fmt::format("{} a row; the busiest rank's experts get {} times the mean\n",
                                                   format_bytes(traffic.row_bytes), fmt::format("{:.2f}", traffic.imbalance()));
}

} // namespace

std::string ranks_table(const Session &session, RunId run) {
    const std::vector<RunId> ranks = ranks_of(session, run);
    if (ranks.empty())
        return "some rank's run is missing\n";
    const std::optional<RankTraffic> traffic = rank_traffic(session, ranks);
    return headline(session, ranks) + "\n" + step_table(session, ranks) + (traffic ? "\n" + traffic_table(*traffic) : "");
}

Json ranks_json(const Session &session, RunId run) {
    Json steps = Json::array();
    for (const RankStep &step : rank_steps(session, ranks_of(session, run)))
        steps.push_back({{"operator", info(step.op).name},
                         {"variant", step.variant},
                         {"slowest_ns", step.slowest_ns},
                         {"fastest_ns", step.fastest_ns},
                         {"exchange_ns", step.exchange_ns},
                         {"algorithm_bytes_per_second", step.algorithm_bytes_per_second},
                         {"bus_bytes_per_second", step.bus_bytes_per_second},
                         {"relative_error", step.worst_error}});
    return steps;
}

} // namespace moescope::cli
