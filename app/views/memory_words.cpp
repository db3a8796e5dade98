#include "app/views/memory_words.h"

#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

namespace {

const Measurement *finished(const Session &session, RunId run, OperatorId op,
                            std::string_view variant) {
    const Measurement *found = nullptr;
    for (const Measurement &m : session.measurements)
        if (m.run == run && m.op == op && m.variant == variant &&
            m.state == Measurement::State::Done)
            found = &m;
    return found;
}

std::int64_t held(const Measurement &m) {
    return m.input_bytes + m.output_bytes + m.workspace_bytes;
}

// "64 of 256 experts have a token"
std::string active_text(const Session &session, RunId run) {
    for (const RoutingRecord &routing : session.routings)
        if (routing.run == run && !routing.counts.empty())
            return fmt::format("{} of {} experts have a token",
                               std::count_if(routing.counts.begin(), routing.counts.end(),
                                             [](std::int32_t count) { return count > 0; }),
                               routing.counts.size());
    return "the routing is not known";
}

std::string saving(const Measurement &less, const Measurement &more, const char *less_name,
                   const char *more_name) {
    const double saved = double(held(more) - held(less));
    if (std::abs(saved) < 0.001 * double(held(more)))
        return fmt::format("{} and {} hold the same, {}", less_name, more_name,
                           format_bytes(double(held(more))));
    return fmt::format("{} holds {} {} than {} ({} against {})", less_name,
                       format_bytes(std::abs(saved)), saved > 0 ? "less" : "more", more_name,
                       format_bytes(double(held(less))), format_bytes(double(held(more))));
}

} // namespace

std::vector<MemoryRow> memory_rows(const Session &session, RunId run, OperatorId op) {
    std::vector<MemoryRow> rows;
    for (const VariantInfo &variant : info(op).variants)
        for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
            const Measurement &m = session.measurements[i];
            if (m.run != run || m.op != op || m.variant != variant.name ||
                m.state != Measurement::State::Done)
                continue;
            const MemoryRow row{{i}, m.input_bytes, m.output_bytes, m.workspace_bytes};
            if (!rows.empty() && session.measurements[rows.back().id.value].variant == m.variant)
                rows.back() = row; // measured again: the last one counts
            else
                rows.push_back(row);
        }
    return rows;
}

std::string selective_verdict(const Session &session, RunId run) {
    const auto *selective = finished(session, run, OperatorId::SelectiveDequant, "selective");
    const auto *full = finished(session, run, OperatorId::SelectiveDequant, "full");
    if (!selective || !full)
        return "";
    return fmt::format("{}: {}{}.", saving(*selective, *full, "Selective", "full"),
                       active_text(session, run),
                       held(*selective) < held(*full)
                           ? ""
                           : ", and its output has room for all that could have one");
}

std::string layer_verdict(const Session &session, RunId run) {
    const auto *dense = finished(session, run, OperatorId::MoeMlp, "base");
    const auto *nf4 = finished(session, run, OperatorId::MoeMlp, "nf4_in_kernel");
    if (!dense || !nf4)
        return "";
    return saving(*nf4, *dense, "The layer on NF4 weights", "on dense ones") + ".";
}

std::vector<PlanItem> missing_for_selective(const Session &session, RunId run) {
    std::vector<PlanItem> items;
    for (const char *variant : {"selective", "full"})
        if (!finished(session, run, OperatorId::SelectiveDequant, variant))
            items.push_back({OperatorId::SelectiveDequant, variant, {}});
    return items.empty() ? items
                         : std::vector<PlanItem>{{OperatorId::SelectiveDequant, "selective", {}},
                                                 {OperatorId::SelectiveDequant, "full", {}}};
}

} // namespace moescope
