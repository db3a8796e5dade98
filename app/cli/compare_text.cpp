#include "app/cli/compare_text.h"

#include "app/cli/text_table.h"
#include "app/views/metric_text.h"
#include "profiler/base/units.h"
#include "profiler/metrics/metric_unit.h"
#include "profiler/session/json_codec.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace moescope::cli {

namespace {

constexpr const char *kNothing = "–";

const Measurement &at(const ComparedSide &side, MeasurementId id) {
    return side.session.measurements[id.value];
}

std::string file_name(const Session &session) {
    return std::filesystem::path(session.path).filename().string();
}

// "a.moescope, run 2 (NVIDIA H200)"
std::string side_text(const ComparedSide &side) {
    std::string text = file_name(side.session);
    for (const RunId run : side.runs)
        text += fmt::format(", run {}", run.value + 1);
    if (!side.variant.empty())
        text += ", " + side.variant;
    const RunId run = side.runs.empty() ? RunId{0} : side.runs.front();
    return fmt::format("{} ({})", text, side.session.runs[run.value].device.name);
}

std::string variants_text(const std::string &a, const std::string &b) {
    return a == b ? a : fmt::format("{} → {}", a, b);
}

std::string ratio_text(const ComparedRow &row) {
    return row.time.ratio ? fmt::format("{:.3f}×", row.time.ratio->ratio) : kNothing;
}

std::string interval_text(const ComparedRow &row) {
    return row.time.ratio ? fmt::format("{:.3f} to {:.3f}", row.time.ratio->low, row.time.ratio->high)
                          : kNothing;
}

std::string change_text(const ComparedQuantity &quantity) {
    std::string text = fmt::format("{}: {} → {}", quantity.name, quantity_text(quantity, quantity.a),
                                   quantity_text(quantity, quantity.b));
    if (quantity.change() && *quantity.a > 0)
        text += fmt::format(" ({:+.1f} %)", 100 * *quantity.change() / *quantity.a);
    return text;
}

// Times and verdicts are in the table; this is for what asks for more words.
std::string explanation(const ComparedRow &row) {
    if (row.time.change == Change::Same)
        return {};
    std::string text = fmt::format("{}/{}{}: {}\n", info(row.op).name,
                                   variants_text(row.a_variant, row.b_variant),
                                   row.where.empty() ? "" : ", " + row.where, row.time.reason);
    for (const ComparedQuantity &quantity : row.quantities)
        if (quantity.a != quantity.b)
            text += fmt::format("    {}\n", change_text(quantity));
    return text;
}

Json to_json(const std::vector<Difference> &differences) {
    Json list = Json::array();
    for (const Difference &each : differences)
        list.push_back({{"what", each.what}, {"a", each.a}, {"b", each.b}});
    return list;
}

template <typename T> Json or_null(const std::optional<T> &value) {
    return value ? Json(*value) : Json();
}

Json tile_of(const ComparedSide &side, MeasurementId id) {
    const TileConfig &config = at(side, id).config;
    return config.is_default() ? Json() : moescope::to_json(config);
}

Json side_json(const ComparedSide &side) {
    Json runs = Json::array();
    for (std::uint32_t run = 0; run < side.session.runs.size(); ++run)
        if (side.runs.empty() || std::find(side.runs.begin(), side.runs.end(), RunId{run}) != side.runs.end())
            runs.push_back(run + 1);
    return {{"session", side.session.path}, {"runs", runs}};
}

Json row_json(const ComparedSide &a, const ComparedSide &b, const ComparedRow &row) {
    Json json = {{"operator", info(row.op).name},
                 {"a_variant", row.a_variant},
                 {"b_variant", row.b_variant},
                 {"where", row.where},
                 {"a_tile", tile_of(a, row.a)},
                 {"b_tile", tile_of(b, row.b)},
                 {"a_run", at(a, row.a).run.value + 1},
                 {"b_run", at(b, row.b).run.value + 1},
                 {"a_median_ns", row.time.a_ns},
                 {"b_median_ns", row.time.b_ns},
                 {"verdict", name_of(row.time.change)},
                 {"reason", row.time.reason},
                 {"differences", to_json(row.differences)}};
    const auto &ratio = row.time.ratio;
    json["ratio"] = ratio ? Json(ratio->ratio) : Json();
    json["ratio_95"] = ratio ? Json::array({ratio->low, ratio->high}) : Json();
    json["quantities"] = Json::array();
    for (const ComparedQuantity &each : row.quantities)
        json["quantities"].push_back({{"name", each.name},
                                      {"a", or_null(each.a)},
                                      {"b", or_null(each.b)},
                                      {"change", or_null(each.change())},
                                      {"unit", each.bytes ? "bytes" : metric_unit(each.name)}});
    return json;
}

} // namespace

std::string comparison_headline(const ComparedSide &a, const ComparedSide &b, const Comparison &comparison) {
    std::string text = fmt::format("A: {}\nB: {}\n", side_text(a), side_text(b));
    std::vector<Difference> apart = comparison.devices;
    for (Difference &each : shared_differences(comparison))
        apart.push_back(std::move(each));
    if (!apart.empty())
        text += fmt::format("They differ: {}.\n", sentence_of(apart));
    return text + "\n";
}

std::string comparison_table(const ComparedSide &a, const ComparedSide &b, const Comparison &comparison) {
    std::vector<std::vector<std::string>> rows;
    std::string reasons;
    const std::vector<Difference> shared = shared_differences(comparison);
    for (const ComparedRow &row : comparison.rows) {
        rows.push_back({std::string(info(row.op).name), variants_text(row.a_variant, row.b_variant), row.where,
                        format_duration_ns(row.time.a_ns), format_duration_ns(row.time.b_ns),
                        ratio_text(row), interval_text(row), name_of(row.time.change),
                        sentence_of(own_differences(row, shared))});
        reasons += explanation(row);
    }
    // A column that says nothing is left out.
    const bool one_workload = std::all_of(comparison.rows.begin(), comparison.rows.end(),
                                          [](const ComparedRow &row) { return row.where.empty(); });
    std::vector<TextColumn> columns = {{"operator"},
                                       {"variant"},
                                       {"at"},
                                       {"A", Align::Right},
                                       {"B", Align::Right},
                                       {"B / A", Align::Right},
                                       {"95 %", Align::Right},
                                       {"verdict"},
                                       {""}};
    if (one_workload) {
        columns.erase(columns.begin() + 2);
        for (auto &row : rows)
            row.erase(row.begin() + 2);
    }
    std::string text = rows.empty() ? "" : text_table(columns, rows);
    if (!reasons.empty())
        text += "\n" + reasons;
    for (const Unmatched &each : comparison.unmatched) {
        const Measurement &m = at(each.in_a ? a : b, each.id);
        text += fmt::format("\nOnly in {}: {}/{}, {}.", each.in_a ? "A" : "B", info(m.op).name,
                            m.variant, each.reason.substr(0, each.reason.find_last_not_of('.') + 1));
    }
    return text + fmt::format("{}\n{}, threshold {:.3g} %.\n", comparison.unmatched.empty() ? "" : "\n",
                              summary_of(comparison), 100 * comparison.threshold);
}

std::string comparison_json(const ComparedSide &a, const ComparedSide &b, const Comparison &comparison) {
    Json json = {{"format", "moescope.compare"}, {"version", 1}};
    json["a"] = side_json(a);
    json["b"] = side_json(b);
    json["threshold"] = comparison.threshold;
    json["regressed"] = comparison.regressed();
    json["devices"] = to_json(comparison.devices);
    json["rows"] = Json::array();
    for (const ComparedRow &row : comparison.rows)
        json["rows"].push_back(row_json(a, b, row));
    json["unmatched"] = Json::array();
    for (const Unmatched &each : comparison.unmatched) {
        const Measurement &m = at(each.in_a ? a : b, each.id);
        json["unmatched"].push_back({{"operator", info(m.op).name},
                                     {"variant", m.variant},
                                     {"only_in", each.in_a ? "a" : "b"},
                                     {"run", m.run.value + 1},
                                     {"median_ns", m.time.median},
                                     {"reason", each.reason},
                                     {"failed", each.failed}});
    }
    json["counts"] = {{"slower", comparison.slower},
                      {"faster", comparison.faster},
                      {"same", comparison.same},
                      {"unclear", comparison.unclear}};
    json["geometric_mean"] = comparison.rows.empty() ? Json() : Json(comparison.geometric_mean);
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace moescope::cli
