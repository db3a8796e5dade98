// Turns a worker's messages into a session: maps the worker's numbers to the session's ids and sees
// to it that no measurement of a finished run stays unfinished.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/session_builder.h"

#include "protocol/worker.pb.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace moescope {

class SessionFeed {
  public:
    explicit SessionFeed(SessionBuilder &builder) : builder_(builder) {}

    // A new worker process numbers its names from 0 again.
    void worker_started() { names_.clear(); }

    // Adds the run and its measurements, Queued. One run at a time.
    void begin_run(std::uint64_t request, Plan plan, DeviceInfo device, std::int64_t now_ns);
    bool running() const { return run_.has_value(); }
    bool runs_on_cpu() const { return run_ && builder_.current().runs[run_->id.value].device.is_cpu(); }
    std::uint64_t request() const { return run_ ? run_->request : 0; }

    // Names, records, measurements, candidates, routing, failures and the end of a run; other kinds
    // and messages of earlier runs are ignored. Errors: a message this version does not understand.
    Status apply(const wire::FromWorker &message);

    // Ends the run from this side. What was running becomes Failed with `why` (Cancelled if there is
    // none), what was queued Cancelled.
    void end_run(RunRecord::State state, std::optional<Error> why, std::int64_t now_ns);

    // What a run whose worker died has left: the items that no worker began, without tuning. Nothing
    // where none is left, where no item or tuning is to blame, and the second time.
    struct Rest {
        Plan plan;
        std::string without; // what the worker died of: "gate_up/fused", "the tuning"
    };
    std::optional<Rest> rest_of_run() const;
    // Ends what was running with `why`; the run goes on with its rest, and frees what the dead worker
    // held, as its end did.
    void interrupt_run(const Error &why, std::int64_t now_ns);

    // What a run has left whose connection was lost: nothing of it is to blame, so what was running is
    // measured to its end too, by as many workers as it takes. Nothing where all is measured.
    std::optional<Plan> rest_after_loss() const;
    // Keeps what was received; the next worker's samples of the same item are added to it.
    void suspend_run(std::int64_t now_ns);
    // Of a run with nothing left: done, but for what was to be sampled after its last item.
    void end_lost_run(const Error &why, std::int64_t now_ns);
    // The device that the run is on, as it was announced first.
    const DeviceInfo *run_device() const { return run_ ? &builder_.current().runs[run_->id.value].device : nullptr; }

    void continue_run(std::uint64_t request) { run_->request = request; }
    void add_failure(const std::string &where, const Error &error, std::int64_t now_ns);

  private:
    // What a measurement had when its connection was lost.
    struct Received {
        std::vector<float> samples_ns, event_samples_ns;
        std::int32_t repetitions = 0; // numbered from 0 in its records
        bool counted = false;         // its counters are there
    };
    struct ActiveRun {
        std::uint64_t request = 0;
        RunId id;
        std::uint32_t first_measurement = 0;     // of the run: that of its plan's first item
        std::vector<MeasurementId> measurements; // by item of what its worker was asked for
        std::map<std::uint32_t, CandidateId> candidates;
        std::vector<CandidateId> earlier_candidates; // of workers before, not met again
        std::map<std::uint32_t, Received> received;  // by measurement
        std::size_t first_memory = 0;        // of the session's, that may be this run's
        bool continued = false;              // by a second worker
        bool worker_died = false;            // once: what is left is tried by one more
        std::uint32_t most_correlation = 0;  // of this run so far
        std::uint32_t correlation_from = 0;  // a second worker counts anew: added to its numbers
    };

    bool concerns_run(std::uint64_t request) const { return run_ && run_->request == request; }
    void start_run(const wire::RunStarted &message);
    Status update_measurement(const wire::MeasurementUpdate &message);
    Status update_candidate(const wire::CandidateUpdate &message);
    Status add_records(const wire::Records &message);
    Status add_names(const wire::Names &message);
    Status finish_run(const wire::RunFinished &message);

    void next_worker(std::vector<MeasurementId> measurements, std::int64_t now_ns);
    Received received_of(MeasurementId id) const;
    void add_received(MeasurementId id, Measurement &measurement) const;
    std::optional<CandidateId> met_before(const Candidate &candidate);
    bool is_tuned(const PlanItem &item) const;
    PlanItem asked_for(MeasurementId id) const;
    void free_memory(std::int64_t now_ns);
    void renumber(std::uint32_t &correlation);
    NameId session_name(NameId wire) const;
    Tag session_tag(Tag wire) const;

    SessionBuilder &builder_;
    std::vector<NameId> names_; // by the worker's number
    std::optional<ActiveRun> run_;
};

} // namespace moescope
