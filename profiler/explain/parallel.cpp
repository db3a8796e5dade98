#include "profiler/explain/parallel.h"

#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <string_view>

namespace moescope {

namespace {

const RoutingRecord *routing_of(const Session &session, RunId run) {
    for (const RoutingRecord &routing : session.routings)
        if (routing.run == run)
            return &routing;
    return nullptr;
}

bool same(const Measurement &a, const Measurement &b) { return a.op == b.op && a.variant == b.variant; }

const Measurement *find(const Session &session, RunId run, const Measurement &like, MeasurementId &id) {
    for (std::uint32_t at = 0; at < session.measurements.size(); ++at) {
        const Measurement &each = session.measurements[at];
        if (each.run == run && same(each, like) && each.state == Measurement::State::Done) {
            id = {at};
            return &each;
        }
    }
    return nullptr;
}

double median(std::vector<double> values) {
    if (values.empty())
        return 0;
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// The longest exchange of each repetition on each rank: that of the rows, where counts went before.
double exchange_time(const Session &session, const RankStep &step) {
    std::map<std::int32_t, std::vector<std::int64_t>> longest; // by repetition, by rank that is there
    std::vector<MeasurementId> there;
    std::ranges::copy_if(step.measurements, std::back_inserter(there), &MeasurementId::valid);
    for (const KernelRecord &kernel : session.kernels) {
        const auto found = std::ranges::find(there, kernel.tag.measurement);
        if (found == there.end() || kernel.tag.repetition < 0 ||
            !session.name(kernel.name).starts_with("nccl"))
            continue;
        auto &ranks = longest.try_emplace(kernel.tag.repetition, there.size(), 0).first->second;
        std::int64_t &one = ranks[std::size_t(found - there.begin())];
        one = std::max(one, kernel.end_ns - kernel.start_ns);
    }
    std::vector<double> quickest;
    for (const auto &[repetition, ranks] : longest)
        if (std::ranges::min(ranks) > 0)
            quickest.push_back(double(std::ranges::min(ranks)));
    return median(std::move(quickest));
}

void take_bandwidth(const Session &session, const std::optional<RankTraffic> &traffic, RankStep &step) {
    if (step.op != OperatorId::EpDispatch && step.op != OperatorId::EpCombine)
        return;
    step.exchange_ns = exchange_time(session, step);
    step.exchange_alone = step.exchange_ns > 0;
    if (!traffic)
        return;
    const double seconds = (step.exchange_alone ? step.exchange_ns : step.slowest_ns) * 1e-9;
    if (seconds <= 0)
        return;
    step.algorithm_bytes_per_second = traffic->mean_bytes() / seconds;
    step.bus_bytes_per_second = traffic->busiest_link_bytes() / seconds;
}

} // namespace

std::vector<RunId> ranks_of(const Session &session, RunId run) {
    if (run.value >= session.runs.size() || !session.runs[run.value].plan.ranks)
        return {};
    const MeetingPlace &mine = *session.runs[run.value].plan.ranks;
    if (mine.rank < 0 || std::uint32_t(mine.rank) > run.value)
        return {};
    std::vector<RunId> ranks;
    const std::uint32_t first = run.value - std::uint32_t(mine.rank);
    for (std::int32_t rank = 0; rank < mine.size; ++rank) {
        const std::uint32_t at = first + std::uint32_t(rank);
        if (at >= session.runs.size() || !session.runs[at].plan.ranks)
            return {};
        const MeetingPlace &place = *session.runs[at].plan.ranks;
        if (place.rank != rank || place.size != mine.size)
            return {};
        ranks.push_back({at});
    }
    return ranks;
}

bool is_absent(const RunRecord &run) { return run.plan.ranks && run.device.id.empty(); }

const Failure *loss_of(const Session &session, RunId run) {
    const std::string where = fmt::format("rank {}", session.runs[run.value].plan.ranks->rank);
    for (const Failure &failure : session.failures)
        if (failure.run == run && failure.where == where)
            return &failure;
    return nullptr;
}

std::vector<std::string> lost_ranks(const Session &session, const std::vector<RunId> &ranks) {
    std::vector<std::string> lost;
    for (const RunId run : ranks)
        if (const Failure *loss = loss_of(session, run))
            lost.push_back(fmt::format("{}: {}", loss->error.what, loss->error.why));
    return lost;
}

std::int64_t RankTraffic::arriving(std::int32_t rank) const {
    std::int64_t sum = 0;
    for (std::int32_t from = 0; from < ranks; ++from)
        sum += at(from, rank);
    return sum;
}

double RankTraffic::link_bytes(std::int32_t rank) const {
    std::int64_t out = 0, in = 0;
    for (std::int32_t other = 0; other < ranks; ++other)
        if (other != rank) {
            out += at(rank, other);
            in += at(other, rank);
        }
    return row_bytes * double(std::max(out, in));
}

double RankTraffic::busiest_link_bytes() const {
    double most = 0;
    for (std::int32_t rank = 0; rank < ranks; ++rank)
        most = std::max(most, link_bytes(rank));
    return most;
}

double RankTraffic::mean_bytes() const {
    return ranks > 0 ? row_bytes * double(std::accumulate(rows.begin(), rows.end(), std::int64_t(0))) / ranks : 0;
}

double RankTraffic::imbalance() const {
    std::int64_t most = 0, all = 0;
    for (std::int32_t rank = 0; rank < ranks; ++rank) {
        most = std::max(most, arriving(rank));
        all += arriving(rank);
    }
    return all > 0 ? double(most) * ranks / double(all) : 1;
}

std::optional<RankTraffic> rank_traffic(const Session &session, const std::vector<RunId> &ranks) {
    if (ranks.empty())
        return std::nullopt;
    const ModelShape &model = session.runs[ranks.front().value].plan.workload.model;
    const auto size = std::int32_t(ranks.size());
    RankTraffic traffic{size, std::vector<std::int64_t>(std::size_t(size) * std::size_t(size)),
                        double(model.expert_hidden() * bytes_of(model.dtype))};
    for (std::int32_t from = 0; from < size; ++from) {
        const RoutingRecord *routing = routing_of(session, ranks[std::size_t(from)]);
        if (!routing || routing->counts.size() < ranks.size())
            return std::nullopt;
        const std::size_t each = routing->counts.size() / ranks.size();
        for (std::size_t expert = 0; expert < each * ranks.size(); ++expert)
            traffic.rows[std::size_t(from * size) + expert / each] += routing->counts[expert];
    }
    return traffic;
}

std::vector<RankStep> rank_steps(const Session &session, const std::vector<RunId> &ranks) {
    std::vector<RankStep> steps;
    const std::optional<RankTraffic> traffic = rank_traffic(session, ranks);
    const auto there = std::ranges::find_if(ranks, [&](RunId run) { return !loss_of(session, run); });
    if (there == ranks.end())
        return steps;
    for (const Measurement &first : session.measurements) {
        if (first.run != *there)
            continue;
        RankStep step{.op = first.op, .variant = first.variant, .measurements = {}};
        for (const RunId run : ranks) {
            MeasurementId id;
            const Measurement *one = find(session, run, first, id);
            if (!one && loss_of(session, run)) {
                step.measurements.push_back(id);
                continue;
            }
            if (!one)
                break;
            const double time = one->time.median;
            step.fastest_ns = step.slowest_ns == 0 ? time : std::min(step.fastest_ns, time);
            step.slowest_ns = std::max(step.slowest_ns, time);
            step.worst_error = std::max(step.worst_error, one->relative_error);
            step.measurements.push_back(id);
        }
        if (step.measurements.size() != ranks.size())
            continue;
        take_bandwidth(session, traffic, step);
        steps.push_back(std::move(step));
    }
    return steps;
}

} // namespace moescope
