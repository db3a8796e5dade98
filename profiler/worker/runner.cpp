#include "profiler/worker/runner.h"

#include "profiler/base/try.h"
#include "profiler/worker/measure.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/worker/result_check.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace moescope {

namespace {

class PlanRunner {
  public:
    PlanRunner(Device &device, const Plan &plan, RunEvents &events, const std::atomic<bool> &cancelled)
        : device_(device), plan_(plan), events_(events), cancelled_(cancelled) {}

    RunOutcome run() {
        events_.run_started(device_.info());
        baseline_bytes_ = device_.live_bytes();
        start_capture();
        if (const Status prepared = prepare(); !prepared)
            fail_run(prepared.error());
        else
            run_items();
        finish_capture();
        if (outcome_.state == RunRecord::State::Done && cancelled_)
            outcome_.state = RunRecord::State::Cancelled;
        return outcome_;
    }

  private:
    using State = Measurement::State;

    void start_capture() {
        if (!plan_.capture || device_.info().is_cpu())
            return;
        const Status started = device_.start_capture();
        capturing_ = started.ok();
        if (!capturing_)
            events_.log("times are CUDA events': " + started.error().sentence());
    }

    void finish_capture() {
        routing_.reset(); // its frees belong to the run
        if (Result<CaptureBatch> rest = device_.take_capture())
            events_.records(*rest);
        if (const Status stopped = device_.stop_capture(); !stopped)
            events_.failure("capture", stopped.error());
    }

    Status prepare() {
        events_.progress("choosing experts", 0);
        Result<PreparedRouting> routing = prepare_routing(device_, plan_.workload);
        MOESCOPE_TRY(routing);
        routing_ = std::move(*routing);
        Result<RoutingRecord> record = routing_record(device_, *routing_);
        MOESCOPE_TRY(record);
        events_.routing(*record);
        return {};
    }

    void run_items() {
        std::size_t at = 0;
        while (at < plan_.items.size() && !outcome_.device_lost && !cancelled_) {
            std::size_t end = at + 1;
            while (end < plan_.items.size() && plan_.items[end].op == plan_.items[at].op)
                ++end;
            run_operator(at, end);
            at = end;
        }
        if (!any_done_ && !cancelled_ && !plan_.items.empty())
            outcome_.state = RunRecord::State::Failed;
    }

    // Items [begin, end) are variants of one operator and share its inputs.
    void run_operator(std::size_t begin, std::size_t end) {
        const OperatorId op = plan_.items[begin].op;
        const std::unique_ptr<Operator> bound = make_operator(op);
        ResultCheck check(device_, plan_.workload, *routing_, op);
        bool prepared = false;
        for (std::size_t item = begin; item < end && !outcome_.device_lost && !cancelled_; ++item) {
            Measurement measurement = first_measurement(item);
            events_.progress(describe(measurement), double(item) / double(plan_.items.size()));
            events_.measurement(std::uint32_t(item), measurement);
            if (const Status ran = run_item(item, *bound, prepared, check, measurement); !ran)
                fail_item(measurement, ran.error());
            any_done_ = any_done_ || measurement.state == State::Done;
            events_.measurement(std::uint32_t(item), measurement);
        }
    }

    Measurement first_measurement(std::size_t item) const {
        Measurement measurement;
        measurement.op = plan_.items[item].op;
        measurement.variant = plan_.items[item].variant;
        measurement.config = plan_.items[item].config;
        measurement.state = State::Running;
        measurement.cache = plan_.cache;
        measurement.cost = minimum_cost(plan_.workload, measurement.op, measurement.variant, routing_->host_counts);
        measurement.floor_ns = floor_ns(measurement.cost, device_.info().ceilings);
        return measurement;
    }

    static std::string describe(const Measurement &measurement) {
        return fmt::format("{} / {}", info(measurement.op).name, measurement.variant);
    }

    Status run_item(std::size_t item, Operator &op, bool &prepared, ResultCheck &check, Measurement &measurement) {
        (void)device_.peak_bytes(); // from here on
        if (!prepared) {
            MOESCOPE_TRY(check_fits(device_, device_bytes(plan_.workload, measurement.op, measurement.variant),
                                    describe(measurement)));
            MOESCOPE_TRY(op.prepare(device_, plan_.workload, *routing_));
            prepared = true;
        }
        MOESCOPE_TRY(op.select(measurement.variant, measurement.config));
        measurement.config = op.config();
        const Footprint footprint = op.footprint();
        measurement.input_bytes = footprint.input_bytes;
        measurement.output_bytes = footprint.output_bytes;
        measurement.workspace_bytes = footprint.workspace_bytes;

        const Result<bool> finished = measure(device_, op, measure_options(item), measurement);
        MOESCOPE_TRY(finished);
        measurement.peak_bytes = device_.peak_bytes() - baseline_bytes_;
        if (*finished && plan_.check_results)
            MOESCOPE_TRY(check.check(op, measurement.variant, measurement));
        measurement.state = *finished ? State::Done : State::Cancelled;
        return {};
    }

    MeasureOptions measure_options(std::size_t item) {
        MeasureOptions options{plan_.repetition, plan_.cache, capturing_, MeasurementId{std::uint32_t(item)},
                               cancelled_,       {},          {}};
        options.on_update = [this, item](const Measurement &measurement) {
            const double within = double(measurement.time.samples) / std::max(1, plan_.repetition.max_samples);
            events_.progress(fmt::format("{}: {} samples", describe(measurement), measurement.time.samples),
                             (double(item) + within) / double(plan_.items.size()));
            events_.measurement(std::uint32_t(item), measurement);
        };
        options.on_records = [this](const CaptureBatch &batch) { events_.records(batch); };
        return options;
    }

    void fail_item(Measurement &measurement, const Error &error) {
        measurement.state = State::Failed;
        measurement.failure = error;
        events_.failure(fmt::format("{}/{}", info(measurement.op).name, measurement.variant), error);
        if (const Status alive = device_.synchronize(); !alive) {
            outcome_ = {RunRecord::State::Failed, true, alive.error()};
            events_.failure("device", {device_.info().id + " is lost to this worker", alive.error().sentence(),
                                       "it is started anew"});
        }
    }

    void fail_run(const Error &error) {
        events_.failure("run", error);
        outcome_ = {RunRecord::State::Failed, !device_.synchronize().ok(), error};
    }

    Device &device_;
    const Plan &plan_;
    RunEvents &events_;
    const std::atomic<bool> &cancelled_;
    std::int64_t baseline_bytes_ = 0;
    std::optional<PreparedRouting> routing_;
    bool capturing_ = false, any_done_ = false;
    RunOutcome outcome_;
};

} // namespace

RunOutcome run_plan(Device &device, const Plan &plan, RunEvents &events, const std::atomic<bool> &cancelled) {
    return PlanRunner(device, plan, events, cancelled).run();
}

} // namespace moescope
