#include "app/views/dispatch_verdict.h"

#include "profiler/base/units.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

bool timed(const Measurement &measurement) {
    return measurement.state == Measurement::State::Done && measurement.time.median > 0;
}

} // namespace

std::vector<MeasurementId> dispatch_rows(const Session &session, RunId run, OperatorId op) {
    std::vector<MeasurementId> rows;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &next = session.measurements[i];
        if (next.run != run || next.op != op)
            continue;
        const auto same = std::find_if(rows.begin(), rows.end(), [&](MeasurementId id) {
            return session.measurements[id.value].variant == next.variant;
        });
        if (same == rows.end())
            rows.push_back({i});
        else if (timed(next) || !timed(session.measurements[same->value]))
            *same = {i};
    }
    return rows;
}

MeasurementId row_of(const Session &session, const std::vector<MeasurementId> &rows,
                     std::string_view variant) {
    for (const MeasurementId id : rows)
        if (session.measurements[id.value].variant == variant)
            return id;
    return {};
}

std::optional<Verdict> compare(const Session &session, MeasurementId a, MeasurementId b) {
    if (!a.valid() || !b.valid() || !timed(session.measurements[a.value]) ||
        !timed(session.measurements[b.value]))
        return std::nullopt;
    if (session.measurements[b.value].time.median < session.measurements[a.value].time.median)
        std::swap(a, b);
    const Summary &fast = session.measurements[a.value].time;
    const Summary &slow = session.measurements[b.value].time;
    Verdict verdict{.faster = a, .slower = b, .ratio = slow.median / fast.median};
    verdict.saved_ns = slow.median - fast.median;
    verdict.low = fast.ci_high > 0 ? slow.ci_low / fast.ci_high : verdict.ratio;
    verdict.high = fast.ci_low > 0 ? slow.ci_high / fast.ci_low : verdict.ratio;
    verdict.sure = verdict.low > 1;
    return verdict;
}

RuleOutcome published_rule(const Session &session, const ModelShape &model, OperatorId op,
                           const Verdict &verdict) {
    RuleOutcome rule{.experts = model.experts};
    const bool gate_up = op == OperatorId::GateUp;
    rule.k = gate_up ? model.expert_hidden() : model.intermediate;
    rule.n = gate_up ? model.gate_up_columns() : model.expert_hidden();
    rule.chosen = published_rule_chooses_split(rule.experts, rule.k, rule.n) ? "split" : "fused";
    if (session.measurements[verdict.slower.value].variant == rule.chosen) {
        rule.cost_ns = verdict.saved_ns;
        rule.cost_share = verdict.ratio - 1;
        rule.right = !verdict.sure;
    }
    return rule;
}

std::string sentence(const Session &session, const Verdict &verdict) {
    const auto title = [&](MeasurementId id) {
        std::string name = session.measurements[id.value].variant;
        if (!name.empty() && name[0] >= 'a' && name[0] <= 'z')
            name[0] = char(name[0] - 'a' + 'A');
        return name;
    };
    const std::string interval =
        fmt::format("{} to {}", format_ratio(verdict.low), format_ratio(verdict.high));
    if (!verdict.sure)
        return fmt::format("No sure difference: {} ahead by {}, interval {}.",
                           session.measurements[verdict.faster.value].variant,
                           format_duration_ns(verdict.saved_ns), interval);
    return fmt::format("{} is faster: {} ({}), {} less.", title(verdict.faster),
                       format_ratio(verdict.ratio), interval, format_duration_ns(verdict.saved_ns));
}

std::string sentence(const RuleOutcome &rule) {
    if (rule.cost_ns <= 0)
        return fmt::format("The published rule chooses {}: the faster one here.", rule.chosen);
    return fmt::format("The published rule chooses {}: following it costs {} ({:.1f} %) here{}.",
                       rule.chosen, format_duration_ns(rule.cost_ns), rule.cost_share * 100,
                       rule.right ? ", within the noise" : "");
}

} // namespace moescope
