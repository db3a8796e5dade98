// Lines over runs that differ in one number of their workload.
#include "app/report/plot_frame.h"
#include "app/report/report_plots.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"
#include "profiler/sweep/found_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

namespace moescope::report {

namespace {

constexpr double kWidth = 960, kHeight = 340, kLabels = 190;

struct Line {
    OperatorId op;
    std::string variant;
    std::vector<std::pair<double, const Measurement *>> points;
};

// Those with a time at two points or more.
std::vector<Line> lines_of(const Session &session, const FoundSweep &sweep) {
    std::vector<Line> lines;
    for (const SweepLine &found : sweep_lines(session, sweep)) {
        Line line{found.op, found.variant, {}};
        for (const SweepLine::Point &point : found.points) {
            const Measurement &m = session.measurements[point.id.value];
            if (m.time.median > 0 && std::isfinite(m.time.median))
                line.points.emplace_back(sweep.points[point.at].x, &m);
        }
        if (line.points.size() > 1)
            lines.push_back(std::move(line));
    }
    return lines;
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

std::string draw(const std::string &title, std::string_view parameter,
                 const std::vector<Line> &lines) {
    charts::Extent x, y;
    std::vector<double> values;
    for (const Line &line : lines)
        for (const auto &[value, m] : line.points) {
            x.add(value);
            values.push_back(double(value));
            y.add(m->time.p10);
            y.add(m->time.p90);
        }
    const bool log_x = x.range().low > 0 && x.range().high >= 8 * x.range().low;
    Svg svg(kWidth, kHeight, title);
    const PlotFrame frame(svg, {80, 28}, {kWidth - kLabels, kHeight - 46},
                          {std::string(parameter), charts::Unit::Count,
                           charts::padded(x.range(), 0.03, log_x), log_x, log_x ? values : std::vector<double>()},
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
    for (const FoundSweep &sweep : find_sweeps(session)) {
        if (!sweep.numeric)
            continue;
        std::map<OperatorId, std::vector<Line>> by_operator;
        for (Line &line : lines_of(session, sweep))
            by_operator[line.op].push_back(std::move(line));
        for (const auto &[op, lines] : by_operator) {
            const std::string title =
                fmt::format("{} over {}: {}", info(op).name, sweep.parameter->title, sweep.held);
            plots.push_back({title, draw(title, sweep.parameter->title, lines)});
        }
    }
    return plots;
}

} // namespace moescope::report
