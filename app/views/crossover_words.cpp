#include "app/views/crossover.h"

#include "app/views/measurement_text.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace moescope {

std::vector<SweepAxis> suggested_grid(const Workload &workload, bool on_cpu) {
    SweepAxis experts{*find_sweep_parameter("experts"), {}};
    for (const int count : {8, 16, 32, 64})
        if (count >= workload.model.top_k && count % std::max(1, workload.model.groups) == 0)
            experts.values.push_back(std::to_string(count));
    SweepAxis size{*find_sweep_parameter("intermediate"), {}};
    const int largest = on_cpu ? std::min(512, workload.model.intermediate) : workload.model.intermediate;
    for (const int part : {8, 4, 2, 1}) {
        const std::string value = std::to_string(std::max(8, largest / part / 8 * 8));
        if (size.values.empty() || size.values.back() != value)
            size.values.push_back(value);
    }
    return {std::move(experts), std::move(size)};
}

std::string name_of(const CrossoverMap &map) {
    return fmt::format("{}: {} or {}, over {} and {} ({} cells)", info(map.op).name, map.a, map.b,
                       map.x->title, map.y->title, map.cells.size());
}

std::string title_of(const CrossoverMap &map, const CrossoverCell &cell) {
    return fmt::format("{} {}, {} {}", map.x->title, format_count(cell.x), map.y->title, format_count(cell.y));
}

std::vector<ui::Fact> facts_of_cell(const Session &session, const CrossoverMap &map, const CrossoverCell &cell,
                                    const std::vector<NamedRule> &rules) {
    std::vector<ui::Fact> facts;
    for (const auto &[variant, id] : {std::pair(map.a, cell.a), std::pair(map.b, cell.b)})
        facts.push_back({Evidence::Measured, variant + ": " + time_fact(session.measurements[id.value]).words});
    if (cell.fastest != cell.a && cell.fastest != cell.b) {
        const Measurement &other = session.measurements[cell.fastest.value];
        facts.push_back({Evidence::Measured, other.variant + ", faster than both: " + time_fact(other).words});
    }
    std::string text = cell.decided ? fmt::format("{} is faster: {}, the ratio of the medians; their 95 % intervals are apart.",
                                                  cell.b_wins() ? map.b : map.a,
                                                  format_ratio(cell.b_wins() ? 1 / cell.ratio : cell.ratio))
                                    : std::string("Not decided: the 95 % intervals of the medians overlap.");
    for (const NamedRule &rule : rules) {
        if (rule.name.starts_with("always"))
            continue;
        const bool b = rule.chooses_b(cell);
        const double lost = cell.lost_ns(b);
        text += fmt::format("\nThe {} rule chooses {}{}", rule.name, b ? map.b : map.a,
                            lost > 0 ? fmt::format(" and loses {}", format_duration_ns(lost)) : "");
    }
    if (cell.families_differ)
        text += fmt::format("\n{} ran in {} tiles, {} in {} tiles.", map.a, session.measurements[cell.a.value].config.family(),
                            map.b, session.measurements[cell.b.value].config.family());
    facts.push_back({Evidence::Estimated, std::move(text)});
    return facts;
}

std::string sentence(const CrossoverMap &map, const NamedRule &rule) {
    if (!rule.cost.worst)
        return "Chooses the faster one in every cell.";
    const CrossoverCell &worst = map.cells[*rule.cost.worst];
    const double lost = worst.lost_ns(rule.chooses_b(worst));
    const auto percent = [](double share) {
        return share < 0.1 ? fmt::format("{:.2g} %", share * 100) : fmt::format("{:.0f} %", share * 100);
    };
    return fmt::format("Costs {} ({}) over these cells; at worst {} ({}) at {} {}, {} {}.",
                       format_duration_ns(rule.cost.lost_ns), percent(rule.cost.share()),
                       format_duration_ns(lost), percent(lost / worst.best_ns()), map.x->title,
                       format_count(worst.x), map.y->title, format_count(worst.y));
}

std::string fastest_words(const Session &session, const CrossoverMap &map) {
    std::map<std::string, std::size_t> counts;
    for (const CrossoverCell &cell : map.cells)
        ++counts[session.measurements[cell.fastest.value].variant];
    std::string words;
    bool another = false;
    for (const auto &[variant, count] : counts) {
        another = another || (variant != map.a && variant != map.b);
        words += fmt::format("{}{} in {}", words.empty() ? "" : ", ", variant,
                             count == map.cells.size() ? fmt::format("all {} cells", count)
                                                       : fmt::format("{} of {} cells", count, map.cells.size()));
    }
    return another ? fmt::format("Of all variants measured the fastest is {}: this map leaves it out.", words) : "";
}

std::string families_words(const Session &session, const CrossoverMap &map) {
    const auto differ = std::ranges::count(map.cells, true, &CrossoverCell::families_differ);
    if (differ == 0)
        return "";
    const CrossoverCell &cell = *std::ranges::find(map.cells, true, &CrossoverCell::families_differ);
    return fmt::format("{} ran in {} tiles and {} in {} tiles in {} of {} cells: what parts them there is the tiles as well "
                       "as the variant.",
                       map.a, session.measurements[cell.a.value].config.family(), map.b,
                       session.measurements[cell.b.value].config.family(), differ, map.cells.size());
}

std::vector<double> cell_edges(const std::vector<double> &values, AxisScale scale) {
    const bool log = scale == AxisScale::Log2;
    std::vector<double> at, edges;
    for (const double value : values)
        at.push_back(log ? std::log2(value) : value);
    if (at.empty())
        return {};
    const double first = at.size() > 1 ? (at[1] - at[0]) / 2 : 0.5;
    const double last = at.size() > 1 ? (at.back() - at[at.size() - 2]) / 2 : 0.5;
    edges.push_back(at.front() - first);
    for (std::size_t i = 1; i < at.size(); ++i)
        edges.push_back((at[i - 1] + at[i]) / 2);
    edges.push_back(at.back() + last);
    for (double &edge : edges)
        edge = log ? std::exp2(edge) : edge;
    return edges;
}

} // namespace moescope
