// Lines over runs that differ in one number of their workload.
#include "app/report/plot_frame.h"
#include "app/report/report_plots.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace moescope::report {

namespace {

constexpr double kWidth = 960, kHeight = 340, kLabels = 190;

struct Parameter {
    const char *name;
    double (*take)(Workload &); // its value; it is made equal for all
};
template <auto Take> double taken(Workload &workload) {
    auto &field = Take(workload);
    const double value = double(field);
    field = {};
    return value;
}
constexpr Parameter kParameters[] = {
    {"tokens", taken<[](Workload &w) -> auto & { return w.tokens; }>},
    {"LoRA rank", taken<[](Workload &w) -> auto & { return w.lora_rank; }>},
    {"top-k", taken<[](Workload &w) -> auto & { return w.model.top_k; }>},
    {"experts", taken<[](Workload &w) -> auto & { return w.model.experts; }>},
    {"skew", taken<[](Workload &w) -> auto & { return w.skew.value; }>},
};

struct Step {
    double value = 0;
    RunId run;
};
// Runs of one device that are alike but for the parameter, by its value; of equal ones the last.
std::vector<std::vector<Step>> steps_of(const Session &session, const Parameter &parameter) {
    struct Group {
        Workload workload;
        std::string device;
        CacheState cache;
        std::map<double, RunId> runs;
    };
    std::vector<Group> groups;
    for (std::uint32_t id = 0; id < session.runs.size(); ++id) {
        const RunRecord &run = session.runs[id];
        Workload workload = run.plan.workload;
        const double value = parameter.take(workload);
        workload.seed = 0;
        auto found = std::find_if(groups.begin(), groups.end(), [&](const Group &group) {
            return group.workload == workload && group.device == run.device.name &&
                   group.cache == run.plan.cache;
        });
        if (found == groups.end())
            found = groups.insert(groups.end(),
                                  {workload, run.device.name, run.plan.cache, {}});
        found->runs[value] = RunId{id};
    }
    std::vector<std::vector<Step>> result;
    for (const Group &group : groups) {
        if (group.runs.size() < 2)
            continue;
        result.emplace_back();
        for (const auto &[value, run] : group.runs)
            result.back().push_back({value, run});
    }
    return result;
}

struct Line {
    OperatorId op;
    std::string variant;
    std::vector<std::pair<double, const Measurement *>> points;
};
std::vector<Line> lines_of(const Session &session, const std::vector<Step> &steps) {
    std::map<std::pair<OperatorId, std::string>, std::map<double, const Measurement *>> lines;
    for (const Measurement &m : session.measurements)
        for (const Step &step : steps)
            if (m.run == step.run && m.time.median > 0 && std::isfinite(m.time.median))
                lines[{m.op, m.variant}][step.value] = &m;
    std::vector<Line> result;
    for (const auto &[key, points] : lines)
        if (points.size() > 1)
            result.push_back({key.first, key.second, {points.begin(), points.end()}});
    return result;
}

void draw_line(Svg &svg, const PlotFrame &frame, const Line &line) {
    const auto series = variant_series(line.op, line.variant);
    std::vector<Svg::Point> band, middle;
    for (const auto &[x, m] : line.points) {
        band.push_back(frame.at(x, m->time.p90));
        middle.push_back(frame.at(x, m->time.median));
    }
    for (auto at = line.points.rbegin(); at != line.points.rend(); ++at)
        band.push_back(frame.at(at->first, at->second->time.p10));
    svg.polygon(band, fmt::format("class=\"s{}\" fill-opacity=\"0.25\"", series));
    svg.polyline(middle, fmt::format("class=\"l{}\"", series));
    for (std::size_t i = 0; i < middle.size(); ++i) {
        const auto &[x, m] = line.points[i];
        svg.begin_group(fmt::format("{} / {} at {}: {}, {} the floor", info(line.op).name,
                                    line.variant, x, format_duration_ns(m->time.median),
                                    format_ratio(m->times_floor())));
        svg.circle(middle[i], 3.5, fmt::format("class=\"s{}\"", series));
        svg.end_group();
    }
}

// At the lines' ends, moved apart where they would touch.
void draw_names(Svg &svg, const PlotFrame &frame, const std::vector<Line> &lines) {
    std::vector<std::pair<double, std::string>> names;
    for (const Line &line : lines) {
        const auto &[x, m] = line.points.back();
        names.emplace_back(frame.at(x, m->time.median).y, line.variant);
    }
    std::sort(names.begin(), names.end());
    double free_from = 0;
    for (const auto &[y, name] : names) {
        const double at = std::max(y, free_from);
        svg.text({frame.high().x + 8, at + 4}, name, Svg::Anchor::Start, "class=\"t\"");
        free_from = at + 15;
    }
}

std::string draw(const std::string &title, const Parameter &parameter,
                 const std::vector<Line> &lines) {
    charts::Extent x, y;
    for (const Line &line : lines)
        for (const auto &[value, m] : line.points) {
            x.add(value);
            y.add(m->time.p10);
            y.add(m->time.p90);
        }
    const bool log_x = x.range().low > 0 && x.range().high >= 8 * x.range().low;
    Svg svg(kWidth, kHeight, title);
    const PlotFrame frame(svg, {80, 28}, {kWidth - kLabels, kHeight - 46},
                          {parameter.name, charts::Unit::Count,
                           charts::padded(x.range(), 0.03, log_x), log_x},
                          {"median time, p10 to p90", charts::Unit::DurationNs,
                           charts::padded(y.range(), 0.08, true), true});
    for (const Line &line : lines)
        draw_line(svg, frame, line);
    draw_names(svg, frame, lines);
    return svg.finish();
}

} // namespace

std::vector<SweepPlot> sweeps(const Session &session) {
    std::vector<SweepPlot> plots;
    for (const Parameter &parameter : kParameters)
        for (const auto &steps : steps_of(session, parameter)) {
            std::map<OperatorId, std::vector<Line>> by_operator;
            for (Line &line : lines_of(session, steps))
                by_operator[line.op].push_back(std::move(line));
            const RunRecord &run = session.runs[steps[0].run.value];
            for (const auto &[op, lines] : by_operator) {
                const std::string title =
                    fmt::format("{} over {}, {} on {}", info(op).name, parameter.name,
                                run.plan.workload.model.name, run.device.name);
                plots.push_back({title, draw(title, parameter, lines)});
            }
        }
    return plots;
}

} // namespace moescope::report
