#include "profiler/worker/runner.h"

#include "profiler/base/try.h"
#include "profiler/worker/compile_queue.h"
#include "profiler/worker/counters.h"
#include "profiler/worker/measure.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/worker/operators/tile_args.h"
#include "profiler/worker/ranks/rank_group.h"
#include "profiler/worker/result_check.h"
#include "profiler/worker/samplers.h"
#include "profiler/worker/sampling_pass.h"
#include "profiler/worker/tuner.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace moescope {

namespace {

constexpr double kTuneShare = 0.6; // of a run's progress, where it tunes and then measures

class PlanRunner {
  public:
    PlanRunner(Device &device, const Plan &plan, RunEvents &events, TunedConfigs &tuned,
               const std::atomic<bool> &cancelled)
        : device_(device), plan_(plan), events_(events), tuned_(tuned), cancelled_(cancelled) {}

    RunOutcome run() {
        const Status counters = try_counters(); // the device's capabilities say what came of it
        const Status pm_sampling = try_pm_sampling(), pc_sampling = try_pc_sampling();
        const Status joined = join_ranks();
        events_.run_started(told_device());
        tell_refusal(kPmSampling, pm_sampling);
        tell_refusal(kPcSampling, pc_sampling);
        if (!counters)
            events_.log("no counters are read, times are: " + counters.error().sentence());
        baseline_bytes_ = device_.live_bytes();
        start_capture();
        if (!joined)
            fail_run(joined.error());
        else if (const Status prepared = prepare(); !prepared)
            fail_run(prepared.error());
        else {
            tune_items();
            compile_items();
            run_items();
            if (Status sampled = sample_items(); !sampled)
                report("sampling", sampled.error());
        }
        finish_capture();
        if (outcome_.state == RunRecord::State::Done && cancelled_)
            outcome_.state = RunRecord::State::Cancelled;
        return outcome_;
    }

  private:
    using State = Measurement::State;

    Status join_ranks() {
        if (!plan_.ranks)
            return {};
        events_.progress("waiting for the other ranks", 0);
        Result<std::unique_ptr<RankGroup>> group = RankGroup::join(*plan_.ranks, device_);
        MOESCOPE_TRY(group);
        ranks_ = std::move(*group);
        return {};
    }

    DeviceInfo told_device() const {
        DeviceInfo told = device_.info();
        if (ranks_)
            told.capabilities.push_back(ranks_->transport().capability());
        return told;
    }

    // Whoever may not read counters learns it once, and the rest of the plan goes on.
    Status try_counters() {
        if (plan_.counters.empty())
            return {};
        const Result<std::unique_ptr<CounterSource>> source = device_.open_counters();
        counting_ = source.ok();
        return counting_ ? Status{} : source.error();
    }

    Status try_pm_sampling() {
        if (plan_.sampled.empty())
            return {};
        const Result<std::unique_ptr<PmSampler>> sampler = device_.open_pm_sampler(plan_.sampled, plan_.sampling_interval_ns);
        sampling_counters_ = sampler.ok();
        return sampling_counters_ ? Status{} : sampler.error();
    }

    Status try_pc_sampling() {
        if (!plan_.pc_sampling)
            return {};
        const Result<std::unique_ptr<PcSampler>> sampler = device_.open_pc_sampler();
        sampling_places_ = sampler.ok();
        return sampling_places_ ? Status{} : sampler.error();
    }

    // What the device cannot do is one of its capabilities; a choice it cannot carry out is a failure.
    void tell_refusal(const char *collector, const Status &tried) {
        if (tried)
            return;
        const auto &all = device_.info().capabilities;
        const auto ours = std::ranges::find(all, collector, &DeviceInfo::Capability::collector);
        if (ours != all.end() && ours->state == "ok")
            events_.failure(collector, tried.error());
        else
            events_.log(std::string("nothing is sampled, ") + collector + ": " + tried.error().sentence());
    }

    // After everything was timed: sampling may hold the clocks.
    Status sample_items() {
        if (done_.empty() || outcome_.device_lost)
            return {};
        const SamplingPass pass{device_, plan_, *routing_, events_, cancelled_};
        if (sampling_counters_ && !cancelled_) {
            const Result<std::unique_ptr<PmSampler>> sampler =
                device_.open_pm_sampler(plan_.sampled, plan_.sampling_interval_ns);
            MOESCOPE_TRY(sampler);
            MOESCOPE_TRY(pass.sample_counters(**sampler, done_));
        }
        if (sampling_places_ && !cancelled_) {
            const Result<std::unique_ptr<PcSampler>> sampler = device_.open_pc_sampler();
            MOESCOPE_TRY(sampler);
            MOESCOPE_TRY(pass.sample_places(**sampler, done_));
        }
        return {};
    }

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
        else if (!outcome_.device_lost) // else that was said already
            events_.failure("capture", rest.error());
        if (const Status stopped = device_.stop_capture(); !stopped)
            events_.failure("capture", stopped.error());
    }

    Status prepare() {
        events_.progress("choosing experts", 0);
        std::optional<Share> share;
        if (ranks_)
            share = share_of(plan_.workload.tokens, ranks_->rank(), ranks_->size());
        Result<PreparedRouting> routing = prepare_routing(device_, plan_.workload, share);
        MOESCOPE_TRY(routing);
        routing_ = std::move(*routing);
        routing_->ranks = ranks_.get();
        Result<RoutingRecord> record = routing_record(device_, *routing_);
        MOESCOPE_TRY(record);
        events_.routing(*record);
        return {};
    }

    // A tuning that fails or does not apply is reported and ends neither the others nor the run.
    void tune_items() {
        std::uint32_t candidates = 0;
        for (std::size_t at = 0; at < plan_.tune.size() && !outcome_.device_lost && !cancelled_; ++at) {
            const PlanItem &item = plan_.tune[at];
            const double share = plan_.items.empty() ? 1.0 : kTuneShare;
            const TuneRequest request{plan_, item, candidates, capturing_, share * double(at) / double(plan_.tune.size()),
                                      share * double(at + 1) / double(plan_.tune.size())};
            if (const Result<std::uint32_t> count = tune_item(request))
                candidates += *count;
            else
                report(fmt::format("tune {}/{}", info(item.op).name, item.variant), count.error());
        }
        items_from_ = plan_.tune.empty() ? 0 : kTuneShare;
    }

    Result<std::uint32_t> tune_item(const TuneRequest &request) {
        const PlanItem &item = request.item;
        const std::unique_ptr<Operator> op = make_operator(item.op);
        MOESCOPE_TRY(check_fits(device_.info(), device_bytes(plan_.workload, item.op, item.variant), device_.free_bytes(),
                                info(item.op).name));
        MOESCOPE_TRY(op->prepare(device_, plan_.workload, *routing_));
        return tune(device_, *op, request, events_, tuned_, cancelled_);
    }

    // The first time on a machine a tile kernel takes seconds to compile: all of the plan's do so side by side, and
    // nothing is timed meanwhile. What does not compile is said where it is launched.
    void compile_items() {
        if (device_.info().is_cpu())
            return;
        CompileQueue queue(device_, tile_calls(), cancelled_);
        for (std::size_t done = 0; const std::optional<Compiled> news = queue.next();) {
            done += !news->started;
            events_.progress(fmt::format("compiling tile kernels, {} of {} done", done, queue.size()), items_from_);
        }
        while (CompileQueue::left_behind() && !cancelled_) {
            events_.progress("waiting for the compilers of a run that was stopped", items_from_);
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }

    std::vector<ms_scatter2scatter_args> tile_calls() const {
        std::vector<ms_scatter2scatter_args> calls;
        for (std::size_t item = 0; item < plan_.items.size(); ++item) {
            Measurement measurement = first_measurement(item);
            std::string variant;
            if (!info(measurement.op).tunable || is_edited(measurement.variant) || !take_variant(measurement, variant) ||
                !check_fits(device_.info(), device_bytes(plan_.workload, measurement.op, variant), device_.free_bytes(),
                            describe(measurement)))
                continue;
            ms_scatter2scatter_args call = grouped_args(plan_.workload, measurement.op);
            choose_variant(call, plan_.workload, variant);
            call.config = kernel_config(measurement.config);
            calls.push_back(call);
        }
        return calls;
    }

    void run_items() {
        std::size_t at = 0;
        while (at < plan_.items.size() && !outcome_.device_lost && !parted_ && !cancelled_) {
            std::size_t end = at + 1;
            while (end < plan_.items.size() && plan_.items[end].op == plan_.items[at].op)
                ++end;
            run_operator(at, end);
            at = end;
        }
        if (done_.empty() && !cancelled_ && !plan_.items.empty())
            outcome_.state = RunRecord::State::Failed;
    }

    // Items [begin, end) are variants of one operator and share its inputs.
    void run_operator(std::size_t begin, std::size_t end) {
        const OperatorId op = plan_.items[begin].op;
        const std::unique_ptr<Operator> bound = make_operator(op);
        ResultCheck check(device_, plan_.workload, *routing_, op);
        const std::int64_t free_bytes = device_.free_bytes(); // for the operator, its inputs included
        bool prepared = false;
        for (std::size_t item = begin; item < end && !outcome_.device_lost && !parted_ && !cancelled_; ++item) {
            Measurement measurement = first_measurement(item);
            events_.progress(describe(measurement), item_fraction(double(item)));
            events_.measurement(std::uint32_t(item), measurement);
            Status ran = check_fits(device_.info(), device_bytes(plan_.workload, op, measurement.variant), free_bytes,
                                    describe(measurement));
            if (ran && !prepared) {
                ran = bound->prepare(device_, plan_.workload, *routing_);
                prepared = ran.ok();
            }
            std::string variant; // that launches
            if (ran)
                ran = take_variant(measurement, variant);
            if (ran)
                ran = run_item(item, variant, *bound, check, measurement);
            if (!ran)
                fail_item(measurement, ran.error());
            if (measurement.state == State::Done)
                done_.push_back({std::uint32_t(item), std::move(variant), measurement.config, measurement.time.median});
            events_.measurement(std::uint32_t(item), measurement);
        }
    }

    double item_fraction(double items_done) const {
        return items_from_ + (1 - items_from_) * items_done / double(plan_.items.size());
    }

    Measurement first_measurement(std::size_t item) const {
        Measurement measurement;
        measurement.op = plan_.items[item].op;
        measurement.variant = plan_.items[item].variant;
        measurement.config = plan_.items[item].config;
        measurement.state = State::Running;
        // Nothing flushes a CPU's caches.
        measurement.cache = device_.info().is_cpu() ? CacheState::Warm : plan_.cache;
        measurement.cost = minimum_cost(plan_.workload, measurement.op, measurement.variant, routing_->host_counts);
        measurement.floor_ns = floor_ns(measurement.cost, device_.info().ceilings);
        if (measurement.config.is_default() && info(measurement.op).tunable)
            take_tuned_config(measurement);
        return measurement;
    }

    void take_tuned_config(Measurement &measurement) const {
        const std::string key = tuning_key(plan_.workload, measurement.op, plain_variant(measurement.variant), device_.info().name,
                                           kernels_version());
        if (const std::optional<TileConfig> config = tuned_.find(key)) {
            measurement.config = *config;
            measurement.tuned = "tuned";
        }
    }

    // What launches: the measurement's variant, or the tuner's choice, whose tile it takes too.
    Status take_variant(Measurement &measurement, std::string &variant) const {
        variant = plain_variant(measurement.variant);
        if (variant != kTunedVariant)
            return {};
        const std::string &device = device_.info().name;
        const auto choice = fastest_tuned(tuned_, plan_.workload, measurement.op, device, kernels_version());
        if (!choice)
            return Error{describe(measurement), fmt::format("the tuner has found nothing for this shape on {} yet", device),
                         "run it with --tune, or tune its other variants"};
        measurement.config = choice->config;
        measurement.tuned = fmt::format("tuned: {}", choice->variant);
        variant = choice->variant;
        return {};
    }

    static std::string describe(const Measurement &measurement) {
        return fmt::format("{} / {}", info(measurement.op).name, measurement.variant);
    }

    Status run_item(std::size_t item, const std::string &variant, Operator &op, ResultCheck &check, Measurement &measurement) {
        if (!is_edited(measurement.variant))
            return run_sources(item, variant, op, check, measurement);
        MOESCOPE_TRY(device_.edit_sources(plan_.edits));
        const Status ran = run_sources(item, variant, op, check, measurement);
        MOESCOPE_TRY(device_.edit_sources({}));
        return ran;
    }

    Status run_sources(std::size_t item, const std::string &variant, Operator &op, ResultCheck &check,
                       Measurement &measurement) {
        MOESCOPE_TRY(op.select(variant, measurement.config));
        // Variants share their outputs: one that wrote nothing would agree with what the last one left.
        MOESCOPE_TRY(spoil_outputs(device_, op));
        if (const auto compile = op.compile_first()) {
            events_.progress(describe(measurement) + ", compiling its kernels", item_fraction(double(item)));
            MOESCOPE_TRY(compile());
            events_.progress(describe(measurement), item_fraction(double(item)));
        }
        (void)device_.peak_bytes(); // from here on: what another variant held is freed
        measurement.config = op.config();
        const Footprint footprint = op.footprint();
        measurement.input_bytes = footprint.input_bytes;
        measurement.output_bytes = footprint.output_bytes;
        measurement.workspace_bytes = footprint.workspace_bytes;
        if (const std::optional<RankCost> cost = op.rank_cost())
            take_rank_cost(*cost, measurement);

        const Result<bool> finished = measure(device_, op, measure_options(item), measurement);
        MOESCOPE_TRY(finished);
        measurement.peak_bytes = device_.peak_bytes() - baseline_bytes_;
        if (*finished && plan_.check_results)
            MOESCOPE_TRY(check.check(op, measurement.variant, measurement));
        measurement.state = *finished ? State::Done : State::Cancelled;
        if (*finished && counting_)
            count(item, op, measurement);
        return {};
    }

    // A rank's floor is also the time its link takes, where its rate is known.
    void take_rank_cost(const RankCost &cost, Measurement &measurement) const {
        const double link = device_.info().link_bytes_per_second;
        measurement.cost = cost.cost;
        measurement.floor_ns = std::max(floor_ns(cost.cost, device_.info().ceilings),
                                        link > 0 ? cost.link_bytes / link * 1e9 : 0);
    }

    // Counters that cannot be had leave the measurement as it is.
    void count(std::size_t item, Operator &op, const Measurement &measurement) {
        events_.progress(describe(measurement) + ": counters", item_fraction(double(item) + 1));
        const auto began = std::chrono::steady_clock::now();
        const Result<CounterReading> read =
            read_counters(device_, op, {plan_.counters, measurement.cache, MeasurementId{std::uint32_t(item)}, cancelled_});
        if (!read)
            return report(fmt::format("{}/{} counters", info(measurement.op).name, measurement.variant), read.error());
        CaptureBatch batch;
        batch.counters = read->records;
        events_.records(batch);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        events_.log(describe(measurement) + ": " + counters_text(*read, took.count()));
    }

    MeasureOptions measure_options(std::size_t item) {
        MeasureOptions options{plan_.repetition, plan_.cache, capturing_, MeasurementId{std::uint32_t(item)},
                               cancelled_,       {},          {}};
        options.on_update = [this, item](const Measurement &measurement) {
            const double within = double(measurement.time.samples) / std::max(1, plan_.repetition.max_samples);
            events_.progress(fmt::format("{}: {} samples", describe(measurement), measurement.time.samples),
                             item_fraction(double(item) + within));
            events_.measurement(std::uint32_t(item), measurement);
        };
        options.on_records = [this](const CaptureBatch &batch) { events_.records(batch); };
        return options;
    }

    void fail_item(Measurement &measurement, const Error &error) {
        measurement.state = State::Failed;
        measurement.failure = error;
        report(fmt::format("{}/{}", info(measurement.op).name, measurement.variant), error);
    }

    // A failure, and whether the device survived it.
    void report(const std::string &where, const Error &error) {
        events_.failure(where, error);
        if (ranks_) {
            ranks_->leave(); // the others must not wait for this one
            parted_ = true;
        }
        const Status alive = device_.synchronize();
        if (alive)
            return;
        outcome_ = {RunRecord::State::Failed, true, alive.error()};
        events_.failure("device", {device_.info().id + " is lost to this worker", alive.error().sentence(),
                                   "the worker is started anew"});
    }

    void fail_run(const Error &error) {
        report("run", error);
        outcome_.state = RunRecord::State::Failed;
        outcome_.error = error;
    }

    Device &device_;
    const Plan &plan_;
    RunEvents &events_;
    TunedConfigs &tuned_;
    const std::atomic<bool> &cancelled_;
    std::int64_t baseline_bytes_ = 0;
    std::unique_ptr<RankGroup> ranks_;
    std::optional<PreparedRouting> routing_;
    bool capturing_ = false, counting_ = false, sampling_counters_ = false, sampling_places_ = false;
    std::vector<SampledItem> done_;
    bool parted_ = false;   // from the other ranks, without which nothing goes on
    double items_from_ = 0; // the run's progress when the first item begins
    RunOutcome outcome_;
};

} // namespace

RunOutcome run_plan(Device &device, const Plan &plan, RunEvents &events, TunedConfigs &tuned,
                    const std::atomic<bool> &cancelled) {
    return PlanRunner(device, plan, events, tuned, cancelled).run();
}

} // namespace moescope
