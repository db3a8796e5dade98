#include "app/views/lessons_words.h"

#include "app/lessons/facts.h"
#include "app/views/measurement_text.h"
#include "profiler/base/units.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace moescope {

namespace {

using lessons::Takes;
using Source = lessons::Origin::Source;

// "median time" of "median time, ns"
std::string without_unit(std::string_view words) {
    return std::string(words.substr(0, std::min(words.rfind(", "), words.size())));
}

bool is_ceiling(const lessons::Fact &fact) {
    return fact.name == "bandwidth" || fact.name == "flop_rate" || fact.name == "ridge";
}

bool is_of_tiles(const lessons::Fact &fact) {
    return fact.name == "best_tile" || fact.name == "slowest_tile" || fact.name == "timed_tiles";
}

bool is_of_routing(const lessons::Fact &fact) {
    return fact.takes == Takes::Number || fact.name == "imbalance" || fact.name == "busiest" ||
           fact.name == "empty_experts" || fact.name == "active_experts";
}

bool is_measured(const lessons::Fact &fact, const Ceilings &c) {
    return (fact.name == "flop_rate" || c.bytes_measured) && (fact.name == "bandwidth" || c.flops_measured);
}

std::string words_of_measurement(const lessons::Fact &fact, const Measurement &m, const Ceilings &ceilings) {
    const std::string what = title_of(m) + ", " + without_unit(fact.explain) + ".\n";
    if (fact.name == "floor")
        return what + explain_floor(m, ceilings);
    if (fact.name == "memory")
        return what + explain_memory(m);
    if (fact.evidence == Evidence::Modelled)
        return what + "What the operator must read, write and compute at least, from the workload.";
    return what + explain_time(m);
}

// Whose run it is, where it is not the one shown.
std::string of_run(const Session &session, RunId run, RunId shown) {
    return run == shown || session.runs.size() < 2 ? "" : fmt::format(" Of run {} of {}.", run.value + 1, session.runs.size());
}

ui::Fact explain_source(const Source &source, const Session &session, RunId shown) {
    const lessons::Fact &fact = *source.fact;
    const std::string what = without_unit(fact.explain);
    if (!source.run.valid() || source.run.value >= session.runs.size())
        return {Evidence::Reported, what + ": no run has it yet."};
    const RunRecord &run = session.runs[source.run.value];
    const std::string of = of_run(session, source.run, shown);
    if (is_ceiling(fact)) {
        const bool measured = is_measured(fact, run.device.ceilings);
        return {measured ? fact.evidence : Evidence::Modelled,
                fmt::format("{}: {} of {}.{}", what, ceiling_origin(measured), run.device.name, of)};
    }
    if (is_of_tiles(fact)) {
        const auto count = lessons::find_fact("timed_tiles")->value(session, source.run, *source.arguments).value.value_or(0);
        return {fact.evidence, fmt::format("{} {}, {}: {} tiles were timed, each the median of its own samples.{}",
                                           info(source.arguments->op).name, source.arguments->variant, what,
                                           format_count(count), of)};
    }
    if (fact.takes == Takes::Operator || fact.takes == Takes::Measurement) {
        const Measurement *m =
            lessons::find_measurement(session, source.run, source.arguments->op, source.arguments->variant);
        return {fact.evidence, m ? words_of_measurement(fact, *m, run.device.ceilings) + of : what + ": not measured yet."};
    }
    if (is_of_routing(fact))
        return {fact.evidence, fmt::format("{}: counted in this run's routing of {} tokens.{}", what,
                                           format_count(double(run.plan.workload.tokens)), of)};
    return {fact.evidence, fmt::format("{}: as the run's plan or its device says.{}", what, of)};
}

// Of several: what is worked out from a measured number is an estimate.
Evidence evidence_of(const std::vector<ui::Fact> &facts) {
    const auto any = [&](Evidence kind) { return std::ranges::find(facts, kind, &ui::Fact::evidence) != facts.end(); };
    return any(Evidence::Measured) || any(Evidence::Estimated) ? Evidence::Estimated
           : any(Evidence::Modelled)                           ? Evidence::Modelled
                                                               : Evidence::Reported;
}

} // namespace

ui::Fact explain_value(const lessons::Expression &value, const Session &session, RunId run) {
    if (const lessons::Answer answer = value.evaluate(session, run); !answer.known())
        return {Evidence::Reported, fmt::format("Not known yet: {}.", answer.missing)};
    const lessons::Origin origin = value.origin(session, run);
    std::vector<ui::Fact> facts;
    for (const Source &source : origin.sources)
        facts.push_back(explain_source(source, session, run));
    if (facts.size() == 1 && !origin.computed)
        return facts.front();
    std::string words = fmt::format("Worked out: {}", value.text());
    std::set<std::string> said;
    for (const ui::Fact &fact : facts)
        if (said.insert(fact.words).second)
            words += "\n" + fact.words;
    return {evidence_of(facts), std::move(words)};
}

std::vector<ui::ProseValue> values_of(const lessons::Filled &filled, const Session &session, RunId run) {
    std::vector<ui::ProseValue> values;
    for (const auto &[begin, end, expression] : filled.values)
        values.push_back({begin, end, explain_value(expression, session, run)});
    return values;
}

Explained explain_note(const lessons::Note &note, const Session &session, RunId run, const ui::Fact &about) {
    const bool there = run.valid() && run.value < session.runs.size();
    if (note.of == lessons::Note::Of::Measurement && there && note.measurement.value < session.measurements.size()) {
        const Measurement &m = session.measurements[note.measurement.value];
        return {title_of(m), {time_fact(m), floor_fact(m, session.runs[run.value].device.ceilings)}};
    }
    if (note.of == lessons::Note::Of::Ceilings && there) {
        const DeviceInfo &device = session.runs[run.value].device;
        const Ceilings &c = device.ceilings;
        return {device.name,
                {{c.bytes_measured ? Evidence::Measured : Evidence::Modelled,
                  fmt::format("Memory: at most {}, {}.", format_bandwidth(c.bytes_per_second), ceiling_origin(c.bytes_measured))},
                 {c.flops_measured ? Evidence::Measured : Evidence::Modelled,
                  fmt::format("{}: at most {}, {}.", device.is_cpu() ? "Cores" : "Matrix units", format_flops(c.flops_per_second),
                              ceiling_origin(c.flops_measured))}}};
    }
    return {"", {about}};
}

} // namespace moescope
