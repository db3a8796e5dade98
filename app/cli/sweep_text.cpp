#include "app/cli/sweep_text.h"

#include "app/cli/run_table.h"
#include "app/cli/text_table.h"
#include "profiler/base/units.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::cli {

namespace {

const Measurement &at(const Session &session, MeasurementId id) { return session.measurements[id.value]; }

std::vector<std::string> row_of(const Measurement &m, const std::string &value) {
    const bool tiled = info(m.op).tunable && !m.config.is_default();
    return {std::string(info(m.op).name),
            m.variant,
            value,
            format_duration_ns(m.time.median),
            fmt::format("{} .. {}", format_duration_ns(m.time.p10), format_duration_ns(m.time.p90)),
            fmt::format("{}", m.time.samples),
            m.floor_ns > 0 ? format_duration_ns(m.floor_ns) : "–",
            m.floor_ns > 0 ? format_ratio(m.times_floor()) : "–",
            tiled ? m.config.text() : ""};
}

// The measurement of an operator and variant that a run has; nothing where it is not done.
std::optional<MeasurementId> find(const Session &session, RunId run, OperatorId op, const std::string &variant) {
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = at(session, {i});
        if (m.run == run && m.op == op && m.variant == variant && m.state == Measurement::State::Done)
            return MeasurementId{i};
    }
    return std::nullopt;
}

// Operators and variants in the order of their first measurement.
std::vector<std::pair<OperatorId, std::string>> measured(const Session &session, const Sweep &sweep) {
    std::vector<std::pair<OperatorId, std::string>> found;
    for (const SweptPoint &point : sweep.points)
        for (const Measurement &m : session.measurements)
            if (point.run && m.run == *point.run &&
                std::find(found.begin(), found.end(), std::pair{m.op, m.variant}) == found.end())
                found.emplace_back(m.op, m.variant);
    return found;
}

std::string headline(const Session &session, const Sweep &sweep) {
    std::string axes;
    for (const SweepAxis &axis : sweep.axes)
        axes += fmt::format("{}{}", axes.empty() ? "" : ", ", axis.parameter->name);
    for (const SweptPoint &point : sweep.points)
        if (point.run) {
            const RunRecord &run = session.runs[point.run->value];
            return fmt::format("{} on {} ({}): {} points of {}\n\n", run.plan.workload.model.name,
                               run.device.name, run.device.id, sweep.points.size(), axes);
        }
    return {};
}

} // namespace

std::vector<std::string> problems_of(const Session &session, const SweptPoint &point) {
    return point.run ? problems_of(session, *point.run)
                     : std::vector<std::string>{point.run.error().sentence()};
}

std::vector<FoundStep> steps_of(const Session &session, const Sweep &sweep) {
    const auto swept = [&](const FoundSweep &found) {
        return std::any_of(sweep.axes.begin(), sweep.axes.end(),
                           [&](const SweepAxis &axis) { return axis.parameter == found.parameter; });
    };
    // A session that was continued holds others' runs as well.
    const auto ours = [&](const FoundSweep &found) {
        const RunId first = found.points.front().runs.back();
        return std::any_of(sweep.points.begin(), sweep.points.end(),
                           [&](const SweptPoint &point) { return point.run && *point.run == first; });
    };
    std::vector<FoundStep> steps;
    for (const FoundSweep &found : find_sweeps(session))
        if (swept(found) && ours(found))
            for (const SweepLine &line : sweep_lines(session, found))
                for (const Step &step : line.steps)
                    steps.push_back({found, line, step});
    return steps;
}

std::string sweep_table(const Session &session, const Sweep &sweep) {
    std::vector<std::vector<std::string>> rows;
    for (const auto &[op, variant] : measured(session, sweep))
        for (const SweptPoint &point : sweep.points)
            if (const auto id = point.run ? find(session, *point.run, op, variant) : std::nullopt)
                rows.push_back(row_of(at(session, *id), point.point.label));
    std::string text = headline(session, sweep);
    if (!rows.empty())
        text += text_table({{"operator"},
                            {"variant"},
                            {"at"},
                            {"median", Align::Right},
                            {"p10 .. p90", Align::Right},
                            {"n", Align::Right},
                            {"floor", Align::Right},
                            {"x floor", Align::Right},
                            {"tile"}},
                           rows);
    for (const FoundStep &found : steps_of(session, sweep))
        text += fmt::format("{}: {}.\n", found.step.up ? "Step up" : "Step down",
                            sentence_of(found.sweep, found.line, found.step));
    return text;
}

} // namespace moescope::cli
