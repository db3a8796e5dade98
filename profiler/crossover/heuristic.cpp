#include "profiler/crossover/heuristic.h"

#include "profiler/base/try.h"
#include "profiler/crossover/fit.h"
#include "profiler/export/replace_file.h"
#include "profiler/session/record_names.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <ostream>

namespace moescope {

namespace {

std::string utc(std::int64_t unix_ns) {
    const std::time_t seconds = unix_ns / 1'000'000'000;
    std::tm time{};
    gmtime_r(&seconds, &time);
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", time);
}

std::int64_t last_start_ns(const Session &session, const CrossoverMap &map) {
    std::int64_t last = 0;
    for (const CrossoverCell &cell : map.cells)
        for (const MeasurementId id : {cell.a, cell.b})
            last = std::max(last, session.runs[session.measurements[id.value].run.value].started_ns);
    return last;
}

Json axis_json(const CrossoverAxis &axis, AxisScale scale, const std::vector<double> &values) {
    return {{"name", axis.name},
            {"title", axis.title},
            {"scale", name_of(scale)},
            {"low", values.front()},
            {"high", values.back()}};
}

Json rule_json(const CrossoverMap &map, const FittedRule &rule) {
    return {{"kind", "logistic"},
            {"choose",
             fmt::format("{} where intercept + weights[0] * {}({}) + weights[1] * {}({}) > 0, else {}",
                         map.b, name_of(rule.scales[0]), map.x->name, name_of(rule.scales[1]),
                         map.y->name, map.a)},
            {"intercept", rule.intercept},
            {"weights", rule.weights},
            {"decided_cells", rule.decided},
            {"misclassified", rule.misclassified},
            {"left_out_misclassified", rule.left_out_misclassified}};
}

Json cost_json(const NamedRule &rule) {
    return {{"rule", rule.name},
            {"lost_ns", rule.cost.lost_ns},
            {"lost_share", rule.cost.share()},
            {"undecided_lost_ns", rule.cost.undecided_lost_ns},
            {"wrong_cells", rule.cost.wrong},
            {"worst_cell", rule.cost.worst ? Json(*rule.cost.worst) : Json()}};
}

Json cell_json(const Session &session, const CrossoverMap &map, const CrossoverCell &cell) {
    const Summary &a = session.measurements[cell.a.value].time;
    const Summary &b = session.measurements[cell.b.value].time;
    return {{"x", cell.x},
            {"y", cell.y},
            {"median_ns", {cell.a_ns, cell.b_ns}},
            {"ci_ns", Json::array({Json::array({a.ci_low, a.ci_high}), Json::array({b.ci_low, b.ci_high})})},
            {"ratio", cell.ratio},
            {"winner", cell.decided ? Json(cell.b_wins() ? map.b : map.a) : Json()},
            {"fastest", session.measurements[cell.fastest.value].variant},
            {"tiles", {session.measurements[cell.a.value].config.text(),
                       session.measurements[cell.b.value].config.text()}}};
}

} // namespace

Json heuristic_json(const Session &session, const CrossoverMap &map) {
    const RunRecord &run = session.runs[map.first.value];
    const auto rule = fit_rule(map);
    const auto scales = scales_of(map);
    Json costs = Json::array(), cells = Json::array();
    for (const NamedRule &each : rules_of(map, rule))
        costs.push_back(cost_json(each));
    for (const CrossoverCell &cell : map.cells)
        cells.push_back(cell_json(session, map, cell));
    return {{"format", "moescope.heuristic"},
            {"version", 1},
            {"app_version", session.app_version},
            {"device", {{"name", run.device.name}, {"arch", run.device.arch}}},
            {"driver", run.device.driver},
            {"date", utc(last_start_ns(session, map))},
            {"operator", info(map.op).name},
            {"variants", {map.a, map.b}},
            {"cache", name_of(run.plan.cache)},
            {"held", map.held},
            {"workload", to_json(run.plan.workload)},
            {"axes", Json::array({axis_json(*map.x, scales[0], map.xs),
                                  axis_json(*map.y, scales[1], map.ys)})},
            {"rule", rule ? rule_json(map, *rule) : Json()},
            {"costs", std::move(costs)},
            {"cells", std::move(cells)}};
}

Status export_heuristic(const Session &session, const CrossoverMap &map,
                        const std::filesystem::path &path) {
    const std::string text =
        heuristic_json(session, map).dump(2, ' ', false, Json::error_handler_t::replace);
    return replace_file(path, Compression::None, [&](std::ostream &out) { out << text << '\n'; });
}

Status export_heuristic(const Session &session, const MapChoice &choice,
                        const std::filesystem::path &path) {
    const std::vector<CrossoverMap> maps = find_crossovers(session);
    const Result<std::size_t> found = find_map(maps, choice);
    MOESCOPE_TRY(found);
    return export_heuristic(session, maps[*found], path);
}

} // namespace moescope
