#include "profiler/client/session_feed.h"

#include "profiler/protocol/codec.h"
#include "profiler/protocol/record_columns.h"

#include <cstdint>
#include <utility>

namespace moescope {

void SessionFeed::begin_run(std::uint64_t request, Plan plan, DeviceInfo device, std::int64_t now_ns) {
    run_ = ActiveRun{request, {}, {}, {}};
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
        if (concerns_run(message.routing().request())) {
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
    builder_.update(run_->measurements[message.item()], std::move(measurement));
    return {};
}

Status SessionFeed::update_candidate(const wire::CandidateUpdate &message) {
    if (!concerns_run(message.request()))
        return {};
    Decoding decoding;
    Candidate candidate = from_wire(message.candidate(), decoding);
    if (!decoding.ok())
        return decoding.status();
    candidate.run = run_->id;
    if (const auto known = run_->candidates.find(message.number()); known != run_->candidates.end())
        builder_.update(known->second, std::move(candidate));
    else
        run_->candidates.emplace(message.number(), builder_.add_candidate(std::move(candidate)));
    return {};
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
    return {item < run_->measurements.size() ? run_->measurements[item] : MeasurementId{}, wire.repetition};
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
