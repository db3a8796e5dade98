#include "profiler/client/session_feed.h"

#include "profiler/protocol/codec.h"
#include "profiler/protocol/record_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

namespace moescope {

namespace {

bool is_final(const Candidate &candidate) {
    return candidate.fate != Candidate::Fate::Queued && candidate.fate != Candidate::Fate::Compiling;
}

} // namespace

void SessionFeed::begin_run(std::uint64_t request, Plan plan, DeviceInfo device, std::int64_t now_ns) {
    run_ = ActiveRun{.request = request, .first_memory = builder_.current().memory.size()};
    run_->first_measurement = std::uint32_t(builder_.current().measurements.size());
    const std::vector<PlanItem> items = plan.items;
    const CacheState cache = plan.cache;
    RunRecord run;
    run.plan = std::move(plan);
    run.device = std::move(device);
    run.started_ns = now_ns;
    run_->id = builder_.add_run(std::move(run));
    for (const PlanItem &item : items) {
        Measurement measurement;
        measurement.run = run_->id;
        measurement.op = item.op;
        measurement.variant = item.variant;
        measurement.config = item.config;
        measurement.cache = cache;
        run_->measurements.push_back(builder_.add_measurement(std::move(measurement)));
    }
}

Status SessionFeed::apply(const wire::FromWorker &message) {
    switch (message.kind_case()) {
    case wire::FromWorker::kNames:
        return add_names(message.names());
    case wire::FromWorker::kRunStarted:
        start_run(message.run_started());
        return {};
    case wire::FromWorker::kMeasurement:
        return update_measurement(message.measurement());
    case wire::FromWorker::kCandidate:
        return update_candidate(message.candidate());
    case wire::FromWorker::kRouting:
        if (concerns_run(message.routing().request()) && !run_->continued) { // else it is there, the same
            RoutingRecord routing = from_wire(message.routing().routing());
            routing.run = run_->id;
            builder_.add(std::move(routing));
        }
        return {};
    case wire::FromWorker::kRecords:
        return add_records(message.records());
    case wire::FromWorker::kFailure:
        add_failure(message.failure().where(), from_wire(message.failure().error()), message.failure().time_ns());
        return {};
    case wire::FromWorker::kRunFinished:
        return finish_run(message.run_finished());
    default:
        return {};
    }
}

void SessionFeed::start_run(const wire::RunStarted &message) {
    if (!concerns_run(message.request()))
        return;
    RunRecord run = builder_.current().runs[run_->id.value];
    run.device = from_wire(message.device());
    if (!run_->continued)
        run.started_ns = message.started_ns();
    builder_.update(run_->id, std::move(run));
}

Status SessionFeed::update_measurement(const wire::MeasurementUpdate &message) {
    if (!concerns_run(message.request()) || message.item() >= run_->measurements.size())
        return {};
    Decoding decoding;
    Measurement measurement = from_wire(message.measurement(), decoding);
    if (!decoding.ok())
        return decoding.status();
    measurement.run = run_->id;
    const MeasurementId id = run_->measurements[message.item()];
    add_received(id, measurement);
    builder_.update(id, std::move(measurement));
    return {};
}

void SessionFeed::add_received(MeasurementId id, Measurement &measurement) const {
    const auto found = run_->received.find(id.value);
    if (found == run_->received.end())
        return;
    const Received &before = found->second;
    const auto put_before = [](std::vector<float> &samples, const std::vector<float> &earlier, Summary &summary) {
        if (earlier.empty())
            return;
        samples.insert(samples.begin(), earlier.begin(), earlier.end());
        summary = summarize(samples);
    };
    put_before(measurement.samples_ns, before.samples_ns, measurement.time);
    put_before(measurement.event_samples_ns, before.event_samples_ns, measurement.event_time);
}

Status SessionFeed::update_candidate(const wire::CandidateUpdate &message) {
    if (!concerns_run(message.request()))
        return {};
    Decoding decoding;
    Candidate candidate = from_wire(message.candidate(), decoding);
    if (!decoding.ok())
        return decoding.status();
    candidate.run = run_->id;
    if (const auto known = run_->candidates.find(message.number()); known != run_->candidates.end()) {
        if (!is_final(builder_.current().candidates[known->second.value]) || is_final(candidate))
            builder_.update(known->second, std::move(candidate));
    } else if (const auto before = met_before(candidate)) {
        run_->candidates.emplace(message.number(), *before);
    } else {
        run_->candidates.emplace(message.number(), builder_.add_candidate(std::move(candidate)));
    }
    return {};
}

// What an earlier worker said of the same tile stays until this one knows as much.
std::optional<CandidateId> SessionFeed::met_before(const Candidate &candidate) {
    auto &earlier = run_->earlier_candidates;
    const auto found = std::ranges::find_if(earlier, [&](CandidateId id) {
        const Candidate &known = builder_.current().candidates[id.value];
        return known.op == candidate.op && known.variant == candidate.variant && known.config == candidate.config;
    });
    if (found == earlier.end())
        return std::nullopt;
    const CandidateId id = *found;
    earlier.erase(found);
    return id;
}

Status SessionFeed::add_names(const wire::Names &message) {
    if (message.first() != names_.size())
        return Error{"the worker's names arrived out of order", "a message was lost or made up", ""};
    for (const std::string &name : message.names())
        names_.push_back(builder_.intern(name));
    return {};
}

NameId SessionFeed::session_name(NameId wire) const {
    return wire.value < names_.size() ? names_[wire.value] : NameId{};
}

// A launch outside the run's measurements (the tuner's, a preparation's) has no measurement.
Tag SessionFeed::session_tag(Tag wire) const {
    const std::uint32_t item = wire.measurement.value;
    Tag tag{item < run_->measurements.size() ? run_->measurements[item] : MeasurementId{}, wire.repetition};
    const auto before = run_->received.find(tag.measurement.value);
    if (before != run_->received.end() && tag.repetition >= 0)
        tag.repetition += before->second.repetitions;
    return tag;
}

Status SessionFeed::add_records(const wire::Records &message) {
    if (!concerns_run(message.request()))
        return {};
    Decoding decoding;
    auto kernels = from_wire(message.kernels(), decoding);
    auto api_calls = from_wire(message.api_calls(), decoding);
    auto copies = from_wire(message.copies(), decoding);
    auto memory = from_wire(message.memory(), decoding);
    auto overheads = from_wire(message.overheads(), decoding);
    auto counters = from_wire(message.counters(), decoding);
    auto pm_samples = from_wire(message.pm_samples(), decoding);
    auto device_states = from_wire(message.device_states(), decoding);
    auto pc_samples = from_wire(message.pc_samples(), decoding);
    if (!decoding.ok())
        return decoding.status();

    for (KernelRecord &record : kernels)
        renumber(record.correlation);
    for (ApiRecord &record : api_calls)
        renumber(record.correlation);
    for (CopyRecord &record : copies)
        renumber(record.correlation);
    auto add_all = [this](auto &records, NameId std::remove_reference_t<decltype(records[0])>::*name) {
        for (auto &record : records) {
            record.*name = session_name(record.*name);
            record.tag = session_tag(record.tag);
            builder_.add(record);
        }
    };
    add_all(kernels, &KernelRecord::name);
    add_all(api_calls, &ApiRecord::name);
    for (MemoryRecord &record : memory)
        record.run = run_->id;
    add_all(memory, &MemoryRecord::label);
    for (CopyRecord &copy : copies) {
        copy.tag = session_tag(copy.tag);
        builder_.add(copy);
    }
    for (OverheadRecord &overhead : overheads) {
        overhead.kind = session_name(overhead.kind);
        builder_.add(overhead);
    }
    for (CounterRecord &counter : counters) {
        counter.measurement = session_tag({counter.measurement}).measurement;
        const auto before = run_->received.find(counter.measurement.value);
        if (before != run_->received.end() && before->second.counted)
            continue;
        counter.range = session_name(counter.range);
        counter.metric = session_name(counter.metric);
        builder_.add(counter);
    }
    for (PmSampleRecord &sample : pm_samples) {
        sample.run = run_->id;
        sample.metric = session_name(sample.metric);
        builder_.add(sample);
    }
    for (DeviceStateRecord &state : device_states) {
        state.run = run_->id;
        builder_.add(state);
    }
    for (PcSampleRecord &sample : pc_samples) {
        sample.measurement = session_tag({sample.measurement}).measurement;
        for (NameId PcSampleRecord::*name : {&PcSampleRecord::kernel, &PcSampleRecord::file, &PcSampleRecord::stall})
            sample.*name = session_name(sample.*name);
        builder_.add(sample);
    }
    if (message.dropped() > 0) {
        RunRecord run = builder_.current().runs[run_->id.value];
        run.dropped_records += message.dropped();
        builder_.update(run_->id, std::move(run));
    }
    return {};
}

void SessionFeed::renumber(std::uint32_t &correlation) {
    if (correlation == 0)
        return;
    correlation += run_->correlation_from;
    run_->most_correlation = std::max(run_->most_correlation, correlation);
}

std::optional<SessionFeed::Rest> SessionFeed::rest_of_run() const {
    if (!run_ || run_->worker_died)
        return std::nullopt;
    const Session &session = builder_.current();
    Rest rest{session.runs[run_->id.value].plan, ""};
    if (rest.plan.ranks) // the others have gone on without it
        return std::nullopt;
    if (!rest.plan.tune.empty())
        rest.without = "the tuning";
    std::vector<PlanItem> left;
    for (std::size_t item = 0; item < run_->measurements.size(); ++item) {
        const Measurement &measurement = session.measurements[run_->measurements[item].value];
        if (measurement.state == Measurement::State::Queued)
            left.push_back(asked_for(run_->measurements[item]));
        else
            rest.without = fmt::format("{}/{}", info(measurement.op).name, measurement.variant);
    }
    rest.plan.items = std::move(left);
    rest.plan.tune.clear();
    if (rest.plan.items.empty() || rest.without.empty())
        return std::nullopt;
    return rest;
}

void SessionFeed::interrupt_run(const Error &why, std::int64_t now_ns) {
    std::vector<MeasurementId> left;
    for (const MeasurementId id : run_->measurements) {
        Measurement measurement = builder_.current().measurements[id.value];
        if (measurement.state == Measurement::State::Queued)
            left.push_back(id);
        if (measurement.state != Measurement::State::Running)
            continue;
        measurement.state = Measurement::State::Failed;
        measurement.failure = why;
        builder_.update(id, std::move(measurement));
    }
    next_worker(std::move(left), now_ns);
    run_->worker_died = true;
}

void SessionFeed::next_worker(std::vector<MeasurementId> measurements, std::int64_t now_ns) {
    free_memory(now_ns);
    run_->request = 0; // of no worker until it is continued
    run_->measurements = std::move(measurements);
    for (const auto &[number, id] : run_->candidates)
        run_->earlier_candidates.push_back(id);
    run_->candidates.clear();
    run_->continued = true;
    run_->correlation_from = run_->most_correlation;
}

bool SessionFeed::is_tuned(const PlanItem &item) const {
    for (const Candidate &candidate : builder_.current().candidates)
        if (candidate.run == run_->id && candidate.op == item.op && candidate.variant == item.variant &&
            candidate.fate == Candidate::Fate::Best)
            return true;
    return false;
}

std::optional<Plan> SessionFeed::rest_after_loss() const {
    if (!run_)
        return std::nullopt;
    const Session &session = builder_.current();
    Plan plan = session.runs[run_->id.value].plan;
    const std::vector<PlanItem> tuning = std::exchange(plan.tune, {});
    plan.items.clear();
    bool all_queued = true; // tuning comes before the first item
    for (const MeasurementId id : run_->measurements) {
        const Measurement &measurement = session.measurements[id.value];
        const bool queued = measurement.state == Measurement::State::Queued;
        all_queued = all_queued && queued;
        if (queued || measurement.state == Measurement::State::Running)
            plan.items.push_back(asked_for(id));
    }
    if (all_queued)
        std::ranges::copy_if(tuning, std::back_inserter(plan.tune), [this](const PlanItem &item) { return !is_tuned(item); });
    if (plan.items.empty() && plan.tune.empty())
        return std::nullopt;
    return plan;
}

// The run's items in order are its measurements in order, from the first of them on.
PlanItem SessionFeed::asked_for(MeasurementId id) const {
    return builder_.current().runs[run_->id.value].plan.items[id.value - run_->first_measurement];
}

SessionFeed::Received SessionFeed::received_of(MeasurementId id) const {
    const Session &session = builder_.current();
    const Measurement &measurement = session.measurements[id.value];
    Received received{measurement.samples_ns, measurement.event_samples_ns, std::int32_t(measurement.samples_ns.size())};
    const auto count = [&](const auto &records) {
        for (const auto &record : records)
            if (record.tag.measurement == id)
                received.repetitions = std::max(received.repetitions, record.tag.repetition + 1);
    };
    count(session.kernels);
    count(session.api_calls);
    count(session.copies);
    for (const CounterRecord &counter : session.counters)
        received.counted = received.counted || counter.measurement == id;
    return received;
}

void SessionFeed::suspend_run(std::int64_t now_ns) {
    std::vector<MeasurementId> left;
    for (const MeasurementId id : run_->measurements) {
        const Measurement::State state = builder_.current().measurements[id.value].state;
        if (state == Measurement::State::Running)
            run_->received[id.value] = received_of(id);
        if (state == Measurement::State::Running || state == Measurement::State::Queued)
            left.push_back(id);
    }
    next_worker(std::move(left), now_ns);
}

void SessionFeed::end_lost_run(const Error &why, std::int64_t now_ns) {
    const Plan &plan = builder_.current().runs[run_->id.value].plan;
    const bool sampling = !plan.sampled.empty() || plan.pc_sampling;
    free_memory(now_ns);
    if (sampling)
        add_failure("sampling", why, now_ns);
    end_run(RunRecord::State::Done, std::nullopt, now_ns);
}

void SessionFeed::free_memory(std::int64_t now_ns) {
    std::map<std::uint64_t, MemoryRecord> live; // by address
    const auto &memory = builder_.current().memory;
    for (std::size_t at = run_->first_memory; at < memory.size(); ++at)
        if (memory[at].bytes > 0)
            live[memory[at].address] = memory[at];
        else
            live.erase(memory[at].address);
    for (auto &[address, record] : live) {
        record.time_ns = now_ns;
        record.bytes = -record.bytes;
        record.tag = {};
        builder_.add(record);
    }
}

Status SessionFeed::finish_run(const wire::RunFinished &message) {
    if (!concerns_run(message.request()))
        return {};
    Decoding decoding;
    const RunRecord::State state = from_wire(message.state(), decoding);
    end_run(decoding.ok() ? state : RunRecord::State::Failed, std::nullopt, message.finished_ns());
    return decoding.status();
}

void SessionFeed::end_run(RunRecord::State state, std::optional<Error> why, std::int64_t now_ns) {
    if (!run_)
        return;
    using State = Measurement::State;
    for (const MeasurementId id : run_->measurements) {
        Measurement measurement = builder_.current().measurements[id.value];
        if (measurement.state != State::Queued && measurement.state != State::Running)
            continue;
        const bool was_running = measurement.state == State::Running;
        measurement.state = was_running && why ? State::Failed : State::Cancelled;
        if (why)
            measurement.failure = was_running ? *why : Error{"not run", why->sentence(), "run it again"};
        builder_.update(id, std::move(measurement));
    }
    RunRecord run = builder_.current().runs[run_->id.value];
    run.state = state;
    run.finished_ns = now_ns;
    builder_.update(run_->id, std::move(run));
    run_.reset();
}

void SessionFeed::add_failure(const std::string &where, const Error &error, std::int64_t now_ns) {
    builder_.add(Failure{now_ns, run_ ? run_->id : RunId{}, where, error});
}

} // namespace moescope
