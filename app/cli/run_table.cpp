#include "app/cli/run_table.h"

#include "app/cli/text_table.h"
#include "profiler/base/units.h"
#include "profiler/explain/counters.h"
#include "profiler/session/record_names.h"
#include "profiler/stats/agreement.h"
#include "profiler/workload/cost.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace moescope::cli {

namespace {

constexpr const char *kNothing = "–";

std::string bandwidth(double per_second) {
    return per_second > 0 ? format_bandwidth(per_second) : kNothing;
}

std::string flops(double per_second) {
    return per_second > 0 ? format_flops(per_second) : kNothing;
}

std::string duration(double ns) { return ns > 0 ? format_duration_ns(ns) : kNothing; }

std::string spread(const Summary &time) {
    return fmt::format("{} .. {}", format_duration_ns(time.p10), format_duration_ns(time.p90));
}

std::string agreement(const Measurement &m) {
    if (m.relative_error < 0)
        return kNothing;
    return m.relative_error == 0 ? "exact" : fmt::format("{:.1e}", m.relative_error);
}

std::string remarks(const Measurement &m) {
    std::string text = m.tuned;
    if (!m.throttle.empty())
        text += (text.empty() ? "" : ", ") + ("clocks held back: " + m.throttle);
    return text;
}

// DRAM bytes of a repetition as counted, and how many times the least they are.
std::vector<std::string> traffic_of(const Session &session, const Measurement &m,
                                    const CounterRange *counted) {
    const auto bytes = counted ? counted->dram_bytes(session) : std::nullopt;
    if (!bytes)
        return {kNothing, kNothing};
    return {format_bytes(*bytes), m.cost.bytes > 0 ? format_ratio(*bytes / m.cost.bytes) : kNothing};
}

std::vector<std::string> row_of(const Measurement &m) {
    return {std::string(info(m.op).name),
            m.variant,
            info(m.op).tunable && !m.config.is_default() ? m.config.text() : "",
            duration(m.time.median),
            spread(m.time),
            fmt::format("{}", m.time.samples),
            duration(m.floor_ns),
            m.floor_ns > 0 ? format_ratio(m.times_floor()) : kNothing,
            bandwidth(m.achieved_bytes_per_second()),
            flops(m.achieved_flops_per_second()),
            m.peak_bytes > 0 ? format_bytes(double(m.peak_bytes)) : kNothing,
            agreement(m),
            remarks(m)};
}

const std::vector<TextColumn> kColumns = {{"operator"},
                                          {"variant"},
                                          {"tile"},
                                          {"median", Align::Right},
                                          {"p10 .. p90", Align::Right},
                                          {"n", Align::Right},
                                          {"floor", Align::Right},
                                          {"x floor", Align::Right},
                                          {"bandwidth", Align::Right},
                                          {"compute", Align::Right},
                                          {"memory", Align::Right},
                                          {"agreement", Align::Right},
                                          {""}};

std::string ceilings_text(const Ceilings &ceilings) {
    if (ceilings.bytes_per_second <= 0 && ceilings.flops_per_second <= 0)
        return "floors unknown: the device names no ceilings";
    return fmt::format("floors at {} ({}) and {} ({})", format_bandwidth(ceilings.bytes_per_second),
                       ceiling_origin(ceilings.bytes_measured),
                       format_flops(ceilings.flops_per_second),
                       ceiling_origin(ceilings.flops_measured));
}

std::vector<std::string> candidate_row(const Candidate &c) {
    return {std::string(info(c.op).name),
            c.variant,
            c.config.text(),
            name_of(c.fate),
            duration(c.time.median),
            fmt::format("{}", c.registers),
            c.spill_bytes > 0 ? format_bytes(c.spill_bytes) : "0",
            format_bytes(c.smem_bytes),
            fmt::format("{}", c.blocks_per_sm)};
}

// Candidates of one operator and variant that were timed, fastest first.
using Group = std::pair<OperatorId, std::string>;
struct Tuned {
    std::vector<const Candidate *> timed;
    std::size_t pruned = 0, failed = 0;
};

std::map<Group, Tuned> by_group(const Session &session, RunId run) {
    std::map<Group, Tuned> groups;
    for (const Candidate &c : session.candidates) {
        if (c.run != run)
            continue;
        Tuned &group = groups[{c.op, c.variant}];
        if (c.fate == Candidate::Fate::Timed || c.fate == Candidate::Fate::Best)
            group.timed.push_back(&c);
        group.pruned += c.fate == Candidate::Fate::Pruned;
        group.failed += c.fate == Candidate::Fate::Failed;
    }
    for (auto &[key, group] : groups)
        std::stable_sort(
            group.timed.begin(), group.timed.end(),
            [](const Candidate *a, const Candidate *b) { return a->time.median < b->time.median; });
    return groups;
}

bool any_counted(const Session &session, RunId run, const CountersByMeasurement &counters) {
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i)
        if (session.measurements[i].run == run && counters.whole({i}))
            return true;
    return false;
}

std::string where_of(const Measurement &m) {
    return fmt::format("{}/{}", info(m.op).name, m.variant);
}

} // namespace

std::string run_headline(const RunRecord &run) {
    const Workload &w = run.plan.workload;
    const ModelShape &model = w.model;
    const std::string cache =
        run.device.is_cpu() ? "" : fmt::format(", {} L2", name_of(run.plan.cache));
    return fmt::format(
        "{} on {} ({}): {} tokens, top {} of {} experts, H {}, I {}, {}, {}, {}{}\n{}\n",
        model.name, run.device.name.empty() ? "an unknown device" : run.device.name,
        run.device.id.empty() ? run.plan.device : run.device.id, format_count(double(w.tokens)),
        model.top_k, model.experts, model.expert_hidden(), model.intermediate, name_of(model.dtype),
        w.lora_rank > 0 ? fmt::format("LoRA rank {}", w.lora_rank) : "no LoRA", w.skew.text(),
        cache, ceilings_text(run.device.ceilings));
}

std::string measurement_table(const Session &session, RunId run) {
    std::vector<std::vector<std::string>> rows;
    std::vector<TextColumn> columns = kColumns;
    CountersByMeasurement counters;
    counters.update(session);
    const bool counted = any_counted(session, run, counters);
    if (counted)
        columns.insert(columns.end() - 1, {{"DRAM", Align::Right}, {"x least", Align::Right}});
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        if (m.run != run || m.state != Measurement::State::Done)
            continue;
        rows.push_back(row_of(m));
        if (!counted)
            continue;
        const auto traffic = traffic_of(session, m, counters.whole({i}));
        rows.back().insert(rows.back().end() - 1, traffic.begin(), traffic.end());
    }
    return rows.empty() ? "" : text_table(columns, rows);
}

std::string candidate_table(const Session &session, RunId run, std::size_t limit) {
    std::vector<std::vector<std::string>> rows;
    std::string counts;
    for (const auto &[key, group] : by_group(session, run)) {
        for (std::size_t i = 0; i < group.timed.size() && i < limit; ++i)
            rows.push_back(candidate_row(*group.timed[i]));
        counts += fmt::format("{}/{}: {} timed, {} pruned, {} failed\n", info(key.first).name,
                              key.second, group.timed.size(), group.pruned, group.failed);
    }
    if (rows.empty())
        return counts;
    return text_table({{"operator"},
                       {"variant"},
                       {"tile"},
                       {"fate"},
                       {"median", Align::Right},
                       {"registers", Align::Right},
                       {"spills", Align::Right},
                       {"shared", Align::Right},
                       {"blocks/SM", Align::Right}},
                      rows) +
           counts;
}

std::vector<std::string> problems_of(const Session &session, RunId run) {
    std::vector<std::string> problems;
    const auto add = [&](std::string sentence) {
        if (std::find(problems.begin(), problems.end(), sentence) == problems.end())
            problems.push_back(std::move(sentence));
    };
    const double limit = agreement_limit(session.runs[run.value].plan.workload.model.dtype);
    for (const Measurement &m : session.measurements) {
        if (m.run != run)
            continue;
        if (m.state == Measurement::State::Failed) // most failures name the operator themselves
            add(m.failure.what.starts_with(info(m.op).name)
                    ? m.failure.sentence()
                    : fmt::format("{}: {}", where_of(m), m.failure.sentence()));
        else if (m.state != Measurement::State::Done)
            add(fmt::format("{}: it was not measured ({}).", where_of(m), name_of(m.state)));
        else if (!(m.relative_error <= limit))
            add(fmt::format(
                "{}: its result differs from {} by {:.1e}, and rounding explains {:.0e}.",
                where_of(m), m.reference, m.relative_error, limit));
    }
    for (const Failure &failure : session.failures)
        if ((!failure.run.valid() || failure.run == run) && failure.where != kConnectionLost)
            add(fmt::format("{}: {}", failure.where, failure.error.sentence()));
    return problems;
}

} // namespace moescope::cli
