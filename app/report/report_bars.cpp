// The bars of a report: every variant's time, and the kernels of operators with several variants.
#include "app/report/report_plots.h"
#include "app/views/kernel_name.h"
#include "app/views/measurement_text.h"
#include "app/views/overview_rows.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"
#include "profiler/explain/repetition.h"
#include "profiler/export/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope::report {

namespace {

constexpr double kWidth = 960, kLabels = 250, kValues = 190, kBar = 14, kStep = 20, kGroup = 12;
constexpr double kPlot = kWidth - kLabels - kValues;

std::string fill_of(const Measurement &m) {
    return fmt::format("class=\"s{}\"", variant_series(m.op, m.variant));
}

// The run's timed measurements, variants of one operator together.
std::vector<MeasurementId> timed_rows(const Session &session, RunId run) {
    auto rows = overview_rows(session, run, {});
    std::erase_if(rows, [&](MeasurementId id) {
        const double median = session.measurements[id.value].time.median;
        return !(median > 0) || !std::isfinite(median);
    });
    return rows;
}

bool begins_group(const Session &session, const std::vector<MeasurementId> &rows, std::size_t at) {
    return at == 0 || session.measurements[rows[at].value].op !=
                          session.measurements[rows[at - 1].value].op;
}

double height_of(const Session &session, const std::vector<MeasurementId> &rows) {
    double height = 4;
    for (std::size_t at = 0; at < rows.size(); ++at)
        height += kStep + (begins_group(session, rows, at) ? kGroup : 0);
    return height;
}

void label(Svg &svg, const Measurement &m, double y, bool first) {
    if (first)
        svg.text({0, y + kBar - 3}, info(m.op).name, Svg::Anchor::Start, "class=\"t b\"");
    svg.text({kLabels - 10, y + kBar - 3}, m.variant, Svg::Anchor::End, "class=\"m\"");
}

void time_bar(Svg &svg, const Measurement &m, double y, double longest) {
    const auto x = [&](double ns) { return kLabels + kPlot * std::min(ns / longest, 1.0); };
    const double middle = y + kBar / 2;
    svg.begin_group(explain_time(m));
    svg.rect({kLabels, y}, {x(m.time.median), y + kBar}, fill_of(m), 2);
    svg.line({x(m.time.p10), middle}, {x(m.time.p90), middle}, "class=\"whisker\"");
    for (const double end : {m.time.p10, m.time.p90})
        svg.line({x(end), middle - 3}, {x(end), middle + 3}, "class=\"whisker\"");
    if (m.floor_ns > 0)
        svg.line({x(m.floor_ns), y - 2}, {x(m.floor_ns), y + kBar + 2}, "class=\"floor\"");
    svg.end_group();
    std::string words = format_duration_ns(m.time.median);
    if (m.floor_ns > 0)
        words += fmt::format(", {} the floor", format_ratio(m.times_floor()));
    svg.text({std::max(x(m.time.median), x(m.time.p90)) + 8, y + kBar - 3}, words,
             Svg::Anchor::Start, "class=\"t\"");
}

// Operators of which several variants were timed.
std::vector<MeasurementId> contested(const Session &session, std::vector<MeasurementId> rows) {
    std::erase_if(rows, [&](MeasurementId id) {
        const Measurement &m = session.measurements[id.value];
        return std::count_if(rows.begin(), rows.end(), [&](MeasurementId other) {
                   return session.measurements[other.value].op == m.op;
               }) < 2;
    });
    return rows;
}

struct Contest {
    double slowest = 0, fastest = 0;
};
Contest contest_of(const Session &session, const std::vector<MeasurementId> &rows, OperatorId op) {
    Contest contest;
    for (const MeasurementId id : rows) {
        const Measurement &m = session.measurements[id.value];
        if (m.op != op)
            continue;
        contest.slowest = std::max(contest.slowest, m.time.median);
        contest.fastest =
            contest.fastest > 0 ? std::min(contest.fastest, m.time.median) : m.time.median;
    }
    return contest;
}

// Kernels one after another; without records of them, the whole time as one.
void kernel_bar(Svg &svg, const Session &session, const Measurement &m, const Breakdown &parts,
                double y, double slowest) {
    const double scale = kPlot / slowest;
    if (parts.parts.empty() || parts.span_ns <= 0) {
        svg.begin_group(explain_time(m));
        svg.rect({kLabels, y}, {kLabels + m.time.median * scale, y + kBar}, fill_of(m), 2);
        return svg.end_group();
    }
    // The repetition shown is one of many: it is drawn as long as their median.
    const double stretch = m.time.median / parts.span_ns * scale;
    svg.rect({kLabels, y}, {kLabels + m.time.median * scale, y + kBar}, "class=\"gap\"", 2);
    for (std::size_t at = 0; at < parts.parts.size(); ++at) {
        const KernelPart &part = parts.parts[at];
        svg.begin_group(fmt::format("{}: {}", session.name(session.kernels[part.kernel].name),
                                    format_duration_ns(part.duration_ns)));
        svg.rect({kLabels + part.from_ns * stretch, y}, {kLabels + part.to_ns * stretch, y + kBar},
                 fill_of(m) + (at % 2 ? " fill-opacity=\"0.6\"" : ""), 1);
        svg.end_group();
    }
}

std::string contest_words(const Measurement &m, const Contest &contest) {
    const std::string time = format_duration_ns(m.time.median);
    return m.time.median == contest.fastest
               ? time + ", the fastest"
               : fmt::format("{}, {} as long", time, format_ratio(m.time.median / contest.fastest));
}

} // namespace

std::string time_bars(const Session &session, RunId run) {
    const auto rows = timed_rows(session, run);
    double longest = 0;
    for (const MeasurementId id : rows) {
        const Measurement &m = session.measurements[id.value];
        longest = std::max({longest, m.time.median, m.floor_ns});
    }
    if (longest <= 0)
        return "";
    Svg svg(kWidth, height_of(session, rows), "Median time of every operator and variant");
    double y = 0;
    for (std::size_t at = 0; at < rows.size(); ++at) {
        const Measurement &m = session.measurements[rows[at].value];
        const bool first = begins_group(session, rows, at);
        y += first ? kGroup : 0;
        label(svg, m, y, first);
        time_bar(svg, m, y, longest);
        y += kStep;
    }
    svg.line({kLabels, 4}, {kLabels, y}, "class=\"axis\"");
    return svg.finish();
}

std::string variant_bars(const Session &session, RunId run) {
    const auto rows = contested(session, timed_rows(session, run));
    if (rows.empty())
        return "";
    KernelsByMeasurement kernels;
    kernels.update(session);
    Svg svg(kWidth, height_of(session, rows), "Variants of one operator side by side");
    double y = 0;
    for (std::size_t at = 0; at < rows.size(); ++at) {
        const Measurement &m = session.measurements[rows[at].value];
        const Contest contest = contest_of(session, rows, m.op);
        const bool first = begins_group(session, rows, at);
        y += first ? kGroup : 0;
        label(svg, m, y, first);
        kernel_bar(svg, session, m, median_breakdown(session, kernels.of(rows[at])), y,
                   contest.slowest);
        svg.text({kLabels + kPlot * m.time.median / contest.slowest + 8, y + kBar - 3},
                 contest_words(m, contest), Svg::Anchor::Start, "class=\"t\"");
        y += kStep;
    }
    svg.line({kLabels, 4}, {kLabels, y}, "class=\"axis\"");
    return svg.finish();
}

} // namespace moescope::report
