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

std::string variant_title(const Measurement &m) {
    const VariantInfo *variant = find_variant(m.op, plain_variant(m.variant));
    return variant && !is_edited(m.variant) ? std::string(variant->title) : m.variant;
}

bool families_differ(const Measurement &a, const Measurement &b) {
    return !a.config.is_default() && !b.config.is_default() && a.config.is_wgmma() != b.config.is_wgmma();
}

// The tuner's best of a variant in tiles of one family; 0 where it has timed none.
double tuned_ns(const Session &session, const Measurement &m, bool wgmma) {
    double best = 0;
    for (const Candidate &c : session.candidates)
        if (c.run == m.run && c.op == m.op && c.variant == m.variant && c.config.is_wgmma() == wgmma &&
            c.time.median > 0 && (best == 0 || c.time.median < best))
            best = c.time.median;
    return best;
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

std::vector<MeasurementId> ranked(const Session &session, const std::vector<MeasurementId> &rows) {
    std::vector<MeasurementId> found;
    for (const MeasurementId id : rows) {
        const Measurement &m = session.measurements[id.value];
        const VariantInfo *variant = find_variant(m.op, plain_variant(m.variant));
        // "tuned" is one of the others once more.
        if (timed(m) && variant && variant->lora && variant->name != kTunedVariant)
            found.push_back(id);
    }
    std::ranges::stable_sort(found, {}, [&](MeasurementId id) { return session.measurements[id.value].time.median; });
    return found;
}

RuleOutcome published_rule(const Session &session, const ModelShape &model, OperatorId op,
                           const Verdict &verdict) {
    RuleOutcome rule{.experts = model.experts};
    const bool gate_up = op == OperatorId::GateUp;
    rule.k = gate_up ? model.expert_hidden() : model.intermediate;
    rule.n = gate_up ? model.gate_up_columns() : model.expert_hidden();
    rule.chosen = published_rule_chooses_split(rule.experts, rule.k, rule.n) ? "split" : "fused";
    rule.families_differ =
        families_differ(session.measurements[verdict.faster.value], session.measurements[verdict.slower.value]);
    if (session.measurements[verdict.slower.value].variant == rule.chosen) {
        rule.cost_ns = verdict.saved_ns;
        rule.cost_share = verdict.ratio - 1;
        rule.right = !verdict.sure;
    }
    return rule;
}

std::string sentence(const Session &session, const Verdict &verdict) {
    const std::string interval =
        fmt::format("{} to {}", format_ratio(verdict.low), format_ratio(verdict.high));
    if (!verdict.sure)
        return fmt::format("No sure difference: {} ahead by {}, interval {}.",
                           session.measurements[verdict.faster.value].variant,
                           format_duration_ns(verdict.saved_ns), interval);
    return fmt::format("{} is faster: {} ({}), {} less.", variant_title(session.measurements[verdict.faster.value]),
                       format_ratio(verdict.ratio), interval, format_duration_ns(verdict.saved_ns));
}

std::string sentence(const RuleOutcome &rule) {
    if (rule.cost_ns <= 0)
        return fmt::format("The published rule chooses {}: the faster of fused and split here.", rule.chosen);
    if (rule.families_differ)
        return fmt::format("The published rule chooses {}, which took {} ({:.1f} %) longer than {} here{}.", rule.chosen,
                           format_duration_ns(rule.cost_ns), rule.cost_share * 100,
                           rule.chosen == "fused" ? "split" : "fused", rule.right ? ", within the noise" : "");
    return fmt::format("The published rule chooses {}: following it costs {} ({:.1f} %) here{}.",
                       rule.chosen, format_duration_ns(rule.cost_ns), rule.cost_share * 100,
                       rule.right ? ", within the noise" : "");
}

std::string fastest_sentence(const Session &session, const std::vector<MeasurementId> &ranked) {
    if (ranked.size() < 2)
        return "";
    const Verdict first = *compare(session, ranked[0], ranked[1]);
    if (ranked.size() == 2)
        return sentence(session, first);
    const auto named = [&](MeasurementId id) -> const std::string & { return session.measurements[id.value].variant; };
    const std::string interval = fmt::format("{} to {}", format_ratio(first.low), format_ratio(first.high));
    const std::string title = variant_title(session.measurements[ranked[0].value]);
    std::string text =
        first.sure ? fmt::format("{} is the fastest: {} ({}) and {} before {}", title, format_ratio(first.ratio), interval,
                                 format_duration_ns(first.saved_ns), named(ranked[1]))
                   : fmt::format("No sure fastest: {} {} ahead of {}, interval {}", named(ranked[0]),
                                 format_duration_ns(first.saved_ns), named(ranked[1]), interval);
    for (std::size_t i = 2; i < ranked.size(); ++i)
        text += fmt::format(", {} before {}", format_ratio(compare(session, ranked[0], ranked[i])->ratio), named(ranked[i]));
    return text + ".";
}

std::string family_sentence(const Session &session, MeasurementId a, MeasurementId b) {
    if (!a.valid() || !b.valid())
        return "";
    const Measurement &first = session.measurements[a.value], &second = session.measurements[b.value];
    if (!families_differ(first, second))
        return "";
    std::string text = fmt::format("{} ran in {} tiles and {} in {} tiles: the difference is the tiles' as well as the variants'.",
                                   variant_title(first), first.config.family(), second.variant, second.config.family());
    for (const bool wgmma : {false, true}) {
        const double a_ns = tuned_ns(session, first, wgmma), b_ns = tuned_ns(session, second, wgmma);
        if (a_ns > 0 && b_ns > 0)
            text += fmt::format(" In {} tiles alone {} is the faster: {} against {} ({}), each in the best tile that was tuned.",
                                wgmma ? "wgmma" : "mma.sync", a_ns < b_ns ? first.variant : second.variant,
                                format_duration_ns(std::min(a_ns, b_ns)), format_duration_ns(std::max(a_ns, b_ns)),
                                format_ratio(std::max(a_ns, b_ns) / std::min(a_ns, b_ns)));
    }
    return text;
}

} // namespace moescope
