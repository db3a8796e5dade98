#include "app/lessons/facts.h"

#include "profiler/explain/routing_math.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope::lessons {

namespace {

using Args = FactArguments;

Answer missing(std::string what) { return {std::nullopt, std::move(what)}; }
Answer known(double value) { return {value, {}}; }

const RunRecord *run_of(const Session &session, RunId run) {
    return run.valid() && run.value < session.runs.size() ? &session.runs[run.value] : nullptr;
}

template <double (*kOf)(const Workload &)> Answer workload_fact(const Session &session, RunId run, const Args &) {
    const RunRecord *record = run_of(session, run);
    return record ? known(kOf(record->plan.workload)) : missing("nothing has been run");
}

template <double (*kOf)(const DeviceInfo &)> Answer device_fact(const Session &session, RunId run, const Args &) {
    const RunRecord *record = run_of(session, run);
    if (!record)
        return missing("nothing has been run");
    const double value = kOf(record->device);
    return value < 0 ? missing(fmt::format("{} does not say it", record->device.name)) : known(value);
}

std::string not_measured(const Args &args) {
    const OperatorInfo &op = info(args.op);
    return args.variant.empty() ? fmt::format("{} has not been measured", op.name)
                                : fmt::format("{} ({}) has not been measured", op.name, args.variant);
}

template <double (*kOf)(const Measurement &)> Answer measured_fact(const Session &session, RunId run, const Args &args) {
    const Measurement *found = find_measurement(session, run, args.op, args.variant);
    return found ? known(kOf(*found)) : missing(not_measured(args));
}

template <double (*kOf)(const RoutingRecord &, double)>
Answer routing_fact(const Session &session, RunId run, const Args &args) {
    const RoutingRecord *routing = find_routing(session, run);
    return routing ? known(kOf(*routing, args.number)) : missing("no routing has been recorded");
}

// Of the tiles that the tuner has timed.
template <class Pick> Answer tile_fact(const Session &session, RunId run, const Args &args, Pick pick) {
    std::vector<double> times;
    for (const Candidate &candidate : session.candidates)
        if (candidate.run == run && candidate.op == args.op && candidate.variant == args.variant &&
            candidate.time.median > 0 &&
            (candidate.fate == Candidate::Fate::Timed || candidate.fate == Candidate::Fate::Best))
            times.push_back(candidate.time.median);
    if (times.empty())
        return missing(fmt::format("no tiles of {} ({}) have been tuned", info(args.op).name, args.variant));
    return known(pick(times));
}

double least_of(const std::vector<double> &values) { return *std::ranges::min_element(values); }
double most_of(const std::vector<double> &values) { return *std::ranges::max_element(values); }

double ridge(const DeviceInfo &device) {
    const Ceilings &ceilings = device.ceilings;
    return ceilings.bytes_per_second > 0 && ceilings.flops_per_second > 0
               ? ceilings.flops_per_second / ceilings.bytes_per_second
               : -1;
}

double positive(double value) { return value > 0 ? value : -1; }

#define WORKLOAD(expression) workload_fact<[](const Workload &w) -> double { return double(expression); }>
#define DEVICE(expression) device_fact<[](const DeviceInfo &d) -> double { return double(expression); }>
#define MEASURED(expression) measured_fact<[](const Measurement &m) -> double { return double(expression); }>
#define ROUTED(expression)                                                                                             \
    routing_fact<[]([[maybe_unused]] const RoutingRecord &r, [[maybe_unused]] double n) -> double {                    \
        return double(expression);                                                                                     \
    }>

constexpr Fact kFacts[] = {
    {"tokens", Takes::Nothing, "tokens of the batch", Evidence::Reported, WORKLOAD(w.tokens)},
    {"slots", Takes::Nothing, "tokens times top-k", Evidence::Reported, WORKLOAD(w.slots())},
    {"experts", Takes::Nothing, "routed experts", Evidence::Reported, WORKLOAD(w.model.experts)},
    {"top_k", Takes::Nothing, "experts a token is sent to", Evidence::Reported, WORKLOAD(w.model.top_k)},
    {"hidden", Takes::Nothing, "hidden size", Evidence::Reported, WORKLOAD(w.model.hidden)},
    {"intermediate", Takes::Nothing, "inner size of an expert", Evidence::Reported, WORKLOAD(w.model.intermediate)},
    {"vocab", Takes::Nothing, "tokens of the vocabulary; 0: not known", Evidence::Reported, WORKLOAD(w.model.vocab)},
    {"groups", Takes::Nothing, "groups of experts", Evidence::Reported, WORKLOAD(w.model.groups)},
    {"groups_kept", Takes::Nothing, "groups a token may choose from", Evidence::Reported, WORKLOAD(w.model.groups_kept)},
    {"sigmoid", Takes::Nothing, "1 where the router scores by sigmoid", Evidence::Reported,
     WORKLOAD(w.model.router == RouterKind::Sigmoid)},
    {"softmax", Takes::Nothing, "1 where the router takes a softmax over all experts", Evidence::Reported,
     WORKLOAD(w.model.router == RouterKind::Softmax)},
    {"rank", Takes::Nothing, "LoRA rank; 0: none", Evidence::Reported, WORKLOAD(w.lora_rank)},
    {"seed", Takes::Nothing, "seed of the inputs", Evidence::Reported, WORKLOAD(w.seed)},
    {"gate_up_k", Takes::Nothing, "rows of an expert's gate_up weight", Evidence::Reported, WORKLOAD(w.model.expert_hidden())},
    {"gate_up_n", Takes::Nothing, "columns of an expert's gate_up weight", Evidence::Reported, WORKLOAD(w.model.gate_up_columns())},
    {"cpu", Takes::Nothing, "1 where the run was on the cpu device", Evidence::Reported, DEVICE(d.is_cpu())},
    {"bandwidth", Takes::Nothing, "bytes a second the device reads at most", Evidence::Measured, DEVICE(positive(d.ceilings.bytes_per_second))},
    {"flop_rate", Takes::Nothing, "FLOP/s of the matrix units at most", Evidence::Measured, DEVICE(positive(d.ceilings.flops_per_second))},
    {"ridge", Takes::Nothing, "FLOP a byte at which both ceilings meet", Evidence::Estimated, DEVICE(ridge(d))},
    {"multiprocessors", Takes::Nothing, "multiprocessors of the device", Evidence::Reported, DEVICE(positive(d.multiprocessors))},
    {"time", Takes::Measurement, "median time, ns", Evidence::Measured, MEASURED(m.time.median)},
    {"spread", Takes::Measurement, "p90 less p10 over the median", Evidence::Measured, MEASURED((m.time.p90 - m.time.p10) / m.time.median)},
    {"floor", Takes::Measurement, "least time at the device's ceilings, ns", Evidence::Modelled, MEASURED(m.floor_ns)},
    {"bytes", Takes::Measurement, "least bytes through memory", Evidence::Modelled, MEASURED(m.cost.bytes)},
    {"flops", Takes::Measurement, "floating-point operations", Evidence::Modelled, MEASURED(m.cost.flops)},
    {"intensity", Takes::Measurement, "FLOP a byte", Evidence::Modelled, MEASURED(m.cost.flops / std::max(1.0, m.cost.bytes))},
    {"memory", Takes::Measurement, "device memory it took, bytes", Evidence::Measured, MEASURED(m.peak_bytes)},
    {"kernels", Takes::Measurement, "kernels of a repetition", Evidence::Measured, MEASURED(m.kernels_per_repetition)},
    {"gap", Takes::Measurement, "idle time between the kernels of a repetition, ns", Evidence::Measured, MEASURED(m.gap_ns)},
    {"fastest", Takes::Operator, "median time of the fastest variant, ns", Evidence::Measured, MEASURED(m.time.median)},
    {"imbalance", Takes::Nothing, "slots of the busiest expert over the mean", Evidence::Measured,
     ROUTED(load_stats(r.counts).imbalance)},
    {"empty_experts", Takes::Nothing, "experts that no token chose", Evidence::Measured, ROUTED(load_stats(r.counts).empty)},
    {"active_experts", Takes::Nothing, "experts that a token chose", Evidence::Measured,
     ROUTED(double(r.counts.size()) - load_stats(r.counts).empty)},
    {"busiest", Takes::Nothing, "slots of the busiest expert", Evidence::Measured, ROUTED(load_stats(r.counts).most)},
    {"padded", Takes::Number, "share of the rows that portable tiles of so many rows multiply for nothing", Evidence::Modelled,
     ROUTED(tile_rows(r.counts, {std::max(1, int(n))}).wasted_share)},
    {"tiles", Takes::Number, "row tiles of so many rows", Evidence::Modelled, ROUTED(tile_rows(r.counts, {std::max(1, int(n))}).tile_count)},
    {"best_tile", Takes::Measurement, "time with the fastest tile that was tuned, ns", Evidence::Measured,
     [](const Session &s, RunId r, const Args &a) { return tile_fact(s, r, a, least_of); }},
    {"slowest_tile", Takes::Measurement, "time with the slowest tile that was tuned, ns", Evidence::Measured,
     [](const Session &s, RunId r, const Args &a) { return tile_fact(s, r, a, most_of); }},
    {"timed_tiles", Takes::Measurement, "tiles that were timed", Evidence::Measured,
     [](const Session &s, RunId r, const Args &a) {
         return tile_fact(s, r, a, [](const std::vector<double> &times) { return double(times.size()); });
     }},
};

#undef WORKLOAD
#undef DEVICE
#undef MEASURED
#undef ROUTED

} // namespace

std::span<const Fact> facts() { return kFacts; }

const Fact *find_fact(std::string_view name) {
    const auto found = std::ranges::find(kFacts, name, &Fact::name);
    return found == std::end(kFacts) ? nullptr : &*found;
}

const Measurement *find_measurement(const Session &session, RunId run, OperatorId op, std::string_view variant) {
    const Measurement *best = nullptr;
    for (const Measurement &m : session.measurements)
        if (m.run == run && m.op == op && (variant.empty() || m.variant == variant) &&
            m.state == Measurement::State::Done && m.time.median > 0 &&
            (!best || m.time.median < best->time.median))
            best = &m;
    return best;
}

MeasurementId id_of(const Session &session, const Measurement &measurement) {
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i)
        if (&session.measurements[i] == &measurement)
            return {i};
    return {};
}

const RoutingRecord *find_routing(const Session &session, RunId run) {
    const RoutingRecord *found = nullptr;
    for (const RoutingRecord &routing : session.routings)
        if (routing.run == run && !routing.counts.empty())
            found = &routing;
    return found;
}

} // namespace moescope::lessons
