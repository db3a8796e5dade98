#include "profiler/sweep/found_sweep.h"

#include "profiler/base/units.h"
#include "profiler/session/record_names.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace moescope {

namespace {

// The workload with the parameter taken out of it, and the names that say nothing about the work.
Workload without(const SweepParameter &parameter, const Workload &workload) {
    Workload rest = workload;
    const Workload standard;
    (void)parameter.set(rest, parameter.get(standard)); // its own text: always good
    rest.model.name.clear();
    rest.model.source.clear();
    return rest;
}

struct Group {
    Workload rest;
    const RunRecord *first = nullptr;
    std::vector<RunId> runs;
};

bool same_conditions(const RunRecord &a, const RunRecord &b) {
    return a.device.id == b.device.id && a.device.name == b.device.name &&
           a.device.host == b.device.host && a.plan.cache == b.plan.cache;
}

std::vector<Group> groups_of(const Session &session, const SweepParameter &parameter) {
    std::vector<Group> groups;
    for (std::uint32_t i = 0; i < session.runs.size(); ++i) {
        const RunRecord &run = session.runs[i];
        Workload rest = without(parameter, run.plan.workload);
        const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group &group) {
            return same_conditions(*group.first, run) && group.rest == rest;
        });
        if (found != groups.end())
            found->runs.push_back({i});
        else
            groups.push_back({std::move(rest), &run, {RunId{i}}});
    }
    return groups;
}

std::string held_text(const SweepParameter &parameter, const RunRecord &run) {
    const Workload &w = run.plan.workload;
    std::string text = w.model.name;
    const auto unless = [&](std::string_view name, const std::string &words) {
        if (parameter.name != name)
            text += ", " + words;
    };
    unless("tokens", fmt::format("{} tokens", format_count(double(w.tokens))));
    unless("rank", w.lora_rank > 0 ? fmt::format("rank {}", w.lora_rank) : "no LoRA");
    unless("skew", w.skew.text());
    text += fmt::format(", on {}", run.device.id.empty() ? run.plan.device : run.device.id);
    return text;
}

// A skew of both kinds has no common scale.
bool on_one_scale(const Session &session, const SweepParameter &parameter, const Group &group) {
    bool zipf = false, hot = false;
    for (const RunId run : group.runs) {
        const Workload &w = session.runs[run.value].plan.workload;
        if (!parameter.number(w))
            return false;
        zipf |= w.skew.kind == Skew::Kind::Zipf;
        hot |= w.skew.kind == Skew::Kind::Hot;
    }
    return parameter.name != "skew" || !(zipf && hot);
}

FoundSweep sweep_of(const Session &session, const SweepParameter &parameter, const Group &group) {
    FoundSweep sweep{.parameter = &parameter,
                     .numeric = on_one_scale(session, parameter, group),
                     .points = {},
                     .held = held_text(parameter, *group.first)};
    for (const RunId run : group.runs) {
        const Workload &w = session.runs[run.value].plan.workload;
        const std::string value = parameter.get(w);
        const auto same = std::find_if(sweep.points.begin(), sweep.points.end(),
                                       [&](const FoundSweep::Point &point) { return point.value == value; });
        if (same != sweep.points.end())
            same->runs.push_back(run);
        else
            sweep.points.push_back({sweep.numeric ? *parameter.number(w) : double(sweep.points.size()),
                                    value,
                                    {run}});
    }
    std::stable_sort(sweep.points.begin(), sweep.points.end(),
                     [](const auto &a, const auto &b) { return a.x < b.x; });
    return sweep;
}

using LineKey = std::pair<OperatorId, std::size_t>; // operator, place of the variant in its list

LineKey key_of(const Measurement &m) {
    const VariantInfo *variant = find_variant(m.op, m.variant);
    const auto variants = info(m.op).variants;
    return {m.op, variant ? std::size_t(variant - variants.data()) : variants.size()};
}

void add_steps(const Session &session, const FoundSweep &sweep, SweepLine &line) {
    std::vector<TrendPoint> trend;
    for (const SweepLine::Point &point : line.points) {
        const Measurement &m = session.measurements[point.id.value];
        trend.push_back({sweep.points[point.at].x, m.time.median, m.time.p10, m.time.p90, m.floor_ns});
    }
    line.steps = find_steps(trend);
}

} // namespace

std::vector<FoundSweep> find_sweeps(const Session &session) {
    std::vector<FoundSweep> found;
    for (const SweepParameter &parameter : sweep_parameters())
        for (const Group &group : groups_of(session, parameter)) {
            if (group.runs.size() < 2)
                continue;
            FoundSweep sweep = sweep_of(session, parameter, group);
            if (sweep.points.size() >= 2)
                found.push_back(std::move(sweep));
        }
    std::stable_sort(found.begin(), found.end(), [](const FoundSweep &a, const FoundSweep &b) {
        return a.points.size() > b.points.size();
    });
    return found;
}

std::vector<SweepLine> sweep_lines(const Session &session, const FoundSweep &sweep) {
    std::map<RunId, std::size_t> place;
    for (std::size_t at = 0; at < sweep.points.size(); ++at)
        for (const RunId run : sweep.points[at].runs)
            place[run] = at;
    std::map<std::pair<LineKey, std::string>, std::map<std::size_t, MeasurementId>> measured;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        const auto at = place.find(m.run);
        if (at != place.end() && m.state == Measurement::State::Done && m.time.median > 0 &&
            !is_edited(m.variant))
            measured[{key_of(m), m.variant}][at->second] = {i};
    }
    std::vector<SweepLine> lines;
    for (const auto &[key, points] : measured) {
        SweepLine line{key.first.first, key.second, {}, {}};
        for (const auto &[at, id] : points)
            line.points.push_back({at, id});
        if (sweep.numeric)
            add_steps(session, sweep, line);
        lines.push_back(std::move(line));
    }
    return lines;
}

std::string sentence_of(const FoundSweep &sweep, const SweepLine &line, const Step &step) {
    const auto value = [&](std::size_t point) -> const std::string & {
        return sweep.points[line.points[point].at].value;
    };
    return fmt::format("{}/{} takes {} from {} {} to {}; the trend around it explains {}", info(line.op).name,
                       line.variant, format_ratio(step.factor), sweep.parameter->name,
                       value(step.after - 1), value(step.after), format_ratio(step.expected));
}

} // namespace moescope
