// The roofline of a report: the same points and roofs as the window's.
#include "app/report/plot_frame.h"
#include "app/report/report_plots.h"
#include "app/views/roofline_points.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <cmath>

namespace moescope::report {

namespace {

constexpr double kWidth = 960, kHeight = 420;

void draw_roofs(Svg &svg, const PlotFrame &frame, const std::vector<charts::Roof> &roofs,
                charts::Range x, charts::Range y) {
    std::vector<Svg::Point> edge;
    for (const double at : charts::corners(roofs, x))
        edge.push_back(frame.at(at, charts::allowed(roofs, at)));
    svg.polyline(edge, "class=\"roof\"");
    const auto on_edge = [&](const charts::Roof &roof, double at) {
        return std::fabs(roof.at(at) / charts::allowed(roofs, at) - 1) < 1e-6;
    };
    for (const charts::Roof &roof : roofs) {
        if (!roof.limits) {
            if (const auto line = charts::beside(roofs, roof, x, y)) {
                const Svg::Point to = frame.at(line->second.x, line->second.y);
                svg.line(frame.at(line->first.x, line->first.y), to, "class=\"whisker\"");
                svg.text({to.x - 6, to.y + 16}, roof.label, Svg::Anchor::End, "class=\"m\"");
            }
            continue;
        }
        const double inside = x.low * std::pow(x.high / x.low, 0.05);
        const Svg::Point left = frame.at(inside, roof.at(inside));
        const Svg::Point right = frame.at(x.high, roof.at(x.high));
        if (on_edge(roof, inside)) // above a flat roof, below a rising one
            svg.text({left.x, left.y + (roof.slope == 0 ? -8 : 26)}, roof.label,
                     Svg::Anchor::Start, "class=\"m\"");
        else if (on_edge(roof, x.high))
            svg.text({right.x - 4, right.y - 8}, roof.label, Svg::Anchor::End, "class=\"m\"");
    }
}

void draw_point(Svg &svg, const PlotFrame &frame, const Session &session,
                const RooflinePoint &point) {
    const Measurement &m = session.measurements[point.id.value];
    const auto series = variant_series(m.op, m.variant);
    const Svg::Point modelled = frame.at(point.modelled.x, point.modelled.y);
    svg.begin_group(fmt::format("{} / {}: {}, {} the floor", info(m.op).name, m.variant,
                                format_duration_ns(m.time.median), format_ratio(m.times_floor())));
    if (point.measured) {
        const Svg::Point measured = frame.at(point.measured->x, point.measured->y);
        svg.line(modelled, measured, "class=\"whisker\"");
        svg.circle(measured, 5, fmt::format("class=\"s{}\"", series));
    }
    svg.circle(modelled, 5,
               fmt::format("class=\"{}{}\"", point.measured ? "o" : "s", series));
    svg.end_group();
}

void draw_labels(Svg &svg, const PlotFrame &frame, const Session &session,
                 const std::vector<RooflinePoint> &points) {
    std::vector<LabelWish> wishes;
    std::vector<LabelPlace> taken;
    std::vector<std::string> words;
    for (const RooflinePoint &point : points) {
        const Measurement &m = session.measurements[point.id.value];
        const Svg::Point at = frame.at(point.best().x, point.best().y);
        words.push_back(fmt::format("{} / {}", info(m.op).name, m.variant));
        constexpr float kLetter = 6.2f;
        wishes.push_back({float(at.x), float(at.y), kLetter * float(words.back().size()), 14});
        taken.push_back({float(at.x), float(at.y)});
        if (!point.measured)
            continue;
        const Svg::Point least = frame.at(point.modelled.x, point.modelled.y);
        for (const double part : {0.5, 1.0}) // the way between them
            taken.push_back({float(at.x + part * (least.x - at.x)),
                             float(at.y + part * (least.y - at.y))});
    }
    const auto places = place_labels(wishes, taken, 8,
                                     {float(frame.low().x), float(frame.low().y),
                                      float(frame.high().x), float(frame.high().y)});
    for (std::size_t at = 0; at < places.size(); ++at)
        if (places[at])
            svg.text({places[at]->x, places[at]->y + 11}, words[at], Svg::Anchor::Start,
                     "class=\"t\"");
}

} // namespace

std::string roofline(const Session &session, RunId run, bool by_size) {
    CountersByMeasurement counters;
    counters.update(session);
    const auto kind = by_size ? RooflineKind::Size : RooflineKind::Intensity;
    const auto points = roofline_points(session, run, kind, counters);
    const auto roofs = roofs_of(session.runs[run.value].device.ceilings, kind, 0, session.runs[run.value].device.is_cpu());
    if (points.empty() || roofs.empty())
        return "";
    const RooflineFit range = fit(points, roofs);
    Svg svg(kWidth, kHeight, "Measurements under the device's ceilings");
    const PlotAxis x =
        by_size ? PlotAxis{"least bytes moved", charts::Unit::Bytes, range.x, true}
                : PlotAxis{"intensity, FLOP a byte of device memory", charts::Unit::Number, range.x,
                           true};
    const PlotAxis y = by_size
                           ? PlotAxis{"reached", charts::Unit::BytesPerSecond, range.y, true}
                           : PlotAxis{"reached", charts::Unit::FlopsPerSecond, range.y, true};
    const PlotFrame frame(svg, {96, 28}, {kWidth - 12, kHeight - 46}, x, y);
    svg.begin_clip(frame.low(), frame.high());
    draw_roofs(svg, frame, roofs, range.x, range.y);
    for (const RooflinePoint &point : points)
        draw_point(svg, frame, session, point);
    svg.end_clip();
    draw_labels(svg, frame, session, points);
    return svg.finish();
}

} // namespace moescope::report
