#include "profiler/ranks/merge.h"

#include "profiler/session/session_builder.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace moescope {

namespace {

// Adds one rank's session to those before it.
class RankAdder {
  public:
    RankAdder(SessionBuilder &builder, const RankSession &from, std::uint32_t rank, std::set<std::uint32_t> &processes,
              std::uint32_t &correlations)
        : builder_(builder), from_(from.session), lost_(from.lost), clock_(from.clock), rank_(rank),
          processes_(processes), first_correlation_(correlations), correlations_(correlations) {}

    void add() {
        for (std::uint32_t id = 0; id < from_.names.size(); ++id)
            names_.push_back(builder_.intern(from_.names[id]));
        add_runs();
        add_rows(from_.kernels, [&](KernelRecord &one) {
            one.name = name(one.name);
            on_device(one);
        });
        add_rows(from_.copies, [&](CopyRecord &one) { on_device(one); });
        add_rows(from_.api_calls, [&](ApiRecord &one) {
            span(one);
            one.name = name(one.name);
            one.tag = tag(one.tag);
            one.correlation = correlation(one.correlation);
            one.process = process(one.process);
        });
        add_rows(from_.memory, [&](MemoryRecord &one) {
            one.time_ns = time(one.time_ns);
            one.label = name(one.label);
            one.tag = tag(one.tag);
            one.run = moved(one.run, runs_);
        });
        add_rows(from_.overheads, [&](OverheadRecord &one) {
            span(one);
            one.kind = name(one.kind);
        });
        add_rows(from_.device_states, [&](DeviceStateRecord &one) {
            one.run = moved(one.run, runs_);
            one.time_ns = time(one.time_ns);
            one.device = rank_;
        });
        for (Failure failure : from_.failures) {
            failure.run = moved(failure.run, runs_);
            failure.time_ns = time(failure.time_ns);
            failure.where = "rank " + std::to_string(rank_) + ": " + failure.where;
            builder_.add(std::move(failure));
        }
    }

    // In the place of a rank's session that there is nothing of.
    static void add_absent(SessionBuilder &builder, Plan plan, std::int32_t rank) {
        RunRecord run;
        plan.ranks->rank = rank;
        run.plan = std::move(plan);
        run.state = RunRecord::State::Failed;
        builder.add_run(std::move(run));
    }
    static void add_loss(SessionBuilder &builder, const Error &lost, std::uint32_t rank) {
        builder.add(Failure{0, RunId{std::uint32_t(builder.current().runs.size() - 1)}, "rank " + std::to_string(rank), lost});
    }

  private:
    void add_runs() {
        runs_ = std::uint32_t(builder_.current().runs.size());
        measurements_ = std::uint32_t(builder_.current().measurements.size());
        for (RunRecord run : from_.runs) {
            run.started_ns = time(run.started_ns);
            run.finished_ns = time(run.finished_ns);
            if (!lost_.what.empty() && run.state == RunRecord::State::Running)
                run.state = RunRecord::State::Failed;
            run.device.clock_offset_ns = clock_.offset_ns;
            run.device.clock_uncertainty_ns = clock_.uncertainty_ns;
            if (!from_.api_calls.empty()) // one worker's, all of them
                run.device.worker_process = process(from_.api_calls.begin()->process);
            builder_.add_run(std::move(run));
        }
        for (Measurement measurement : from_.measurements) {
            measurement.run = moved(measurement.run, runs_);
            builder_.add_measurement(std::move(measurement));
        }
        for (RoutingRecord routing : from_.routings) {
            routing.run = moved(routing.run, runs_);
            builder_.add(std::move(routing));
        }
    }

    template <typename Column, typename Change> void add_rows(const Column &column, Change change) {
        for (auto record : column) {
            change(record);
            builder_.add(record);
        }
    }
    template <typename Record> void on_device(Record &record) {
        span(record);
        record.tag = tag(record.tag);
        record.correlation = correlation(record.correlation);
        record.device = rank_;
    }

    std::int64_t time(std::int64_t ns) const { return ns == 0 ? 0 : ns - clock_.offset_ns; }
    template <typename Record> void span(Record &record) const {
        record.start_ns = time(record.start_ns);
        record.end_ns = time(record.end_ns);
    }
    NameId name(NameId id) const { return id.value < names_.size() ? names_[id.value] : NameId{}; }
    template <typename IdType> static IdType moved(IdType id, std::uint32_t by) {
        return id.valid() ? IdType{id.value + by} : id;
    }
    Tag tag(Tag tag) const { return {moved(tag.measurement, measurements_), tag.repetition}; }

    std::uint32_t correlation(std::uint32_t number) {
        if (number == 0) // of no call
            return 0;
        correlations_ = std::max(correlations_, first_correlation_ + number);
        return first_correlation_ + number;
    }
    // Two machines may give the same process id; and ranks are shown in the order of theirs.
    std::uint32_t process(std::uint32_t id) {
        const auto [found, added] = process_.try_emplace(id, std::max(id, last_process_ + 1));
        if (added)
            processes_.insert(found->second);
        return found->second;
    }

    SessionBuilder &builder_;
    const Session &from_;
    const Error &lost_;
    const ClockOffset clock_;
    const std::uint32_t rank_;
    std::set<std::uint32_t> &processes_;
    std::map<std::uint32_t, std::uint32_t> process_;
    const std::uint32_t last_process_ = processes_.empty() ? 0 : *processes_.rbegin(); // of the ranks before
    const std::uint32_t first_correlation_;
    std::uint32_t &correlations_;
    std::uint32_t runs_ = 0, measurements_ = 0;
    std::vector<NameId> names_;
};

} // namespace

Session merge_ranks(const std::vector<RankSession> &ranks, std::string title) {
    SessionBuilder builder(std::move(title));
    std::set<std::uint32_t> processes;
    std::uint32_t correlations = 0;
    const auto known = std::ranges::find_if(ranks, [](const RankSession &each) { return !each.session.runs.empty(); });
    for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
        if (ranks[rank].session.runs.empty())
            RankAdder::add_absent(builder, known->session.runs[0].plan, std::int32_t(rank));
        else
            RankAdder(builder, ranks[rank], std::uint32_t(rank), processes, correlations).add();
        if (!ranks[rank].lost.what.empty())
            RankAdder::add_loss(builder, ranks[rank].lost, std::uint32_t(rank));
    }
    return builder.current();
}

} // namespace moescope
