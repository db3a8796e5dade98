#include "profiler/worker/measure.h"

#include "profiler/base/try.h"
#include "profiler/worker/capture_times.h"
#include "profiler/worker/state_sampler.h"
#include "profiler/session/throttle.h"
#include "profiler/worker/ranks/rank_group.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace moescope {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kBatchSeconds = 0.05; // between looks at the clock, the samples and a cancellation
constexpr std::int32_t kLargestBatch = 64;
constexpr std::chrono::milliseconds kUpdateInterval{100};

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

float median(const std::vector<float> &values) { return float(summarize(values).median); }

class Measuring {
  public:
    Measuring(Device &device, Operator &op, const MeasureOptions &options, Measurement &out)
        : device_(device), op_(op), options_(options), out_(out), capture_(options.capture) {}

    Result<bool> run() {
        if (!options_.on_records)
            return run_batches();
        StateSampler states(device_);
        const Result<bool> ran = run_batches();
        CaptureBatch batch;
        batch.device_states = states.stop();
        event_reasons_ |= reasons_meanwhile(batch.device_states);
        out_.throttle = throttle_text(event_reasons_);
        if (!batch.device_states.empty())
            options_.on_records(batch);
        return ran;
    }

  private:
    Result<bool> run_batches() {
        MOESCOPE_TRY(warm_up());
        begin_ = Clock::now();
        while (true) {
            const Result<std::int32_t> size = in_step(next_batch());
            MOESCOPE_TRY(size);
            if (*size == 0)
                return !options_.cancelled;
            MOESCOPE_TRY(run_batch(*size));
            summarize_all();
            if (options_.on_update && Clock::now() - updated_ >= kUpdateInterval) {
                updated_ = Clock::now();
                options_.on_update(out_);
            }
        }
    }

    // Ranks repeat an operator that they run together as often as rank 0 does.
    Result<std::int32_t> in_step(std::int32_t mine) {
        return op_.ranks() ? op_.ranks()->as_rank_0(mine) : Result<std::int32_t>(mine);
    }

    // 0: that was all.
    std::int32_t next_batch() const {
        const bool done = options_.cancelled || enough_samples(options_.rule, out_.time, seconds_since(begin_));
        return done ? 0 : batch_size();
    }

    Status repeat(std::int32_t repetition) {
        if (options_.cache == CacheState::Cold)
            MOESCOPE_TRY(device_.make_cold());
        if (RankGroup *ranks = op_.ranks())
            MOESCOPE_TRY(ranks->transport().line_up());
        MOESCOPE_TRY(device_.begin_repetition({options_.tag, repetition}));
        const Status launched = op_.launch();
        MOESCOPE_TRY(device_.end_repetition());
        return launched;
    }

    // The first launch may load or compile: only the last one tells how long a repetition takes.
    // Slow operators are not warmed up for longer than they may be measured.
    Status warm_up() {
        begin_ = Clock::now();
        const std::int32_t wanted = std::max(1, options_.rule.warmup);
        for (out_.warmup = 0;; ++out_.warmup) {
            const bool late = out_.warmup > 0 && seconds_since(begin_) > options_.rule.max_seconds;
            const Result<std::int32_t> more = in_step(out_.warmup < wanted && !options_.cancelled && !late);
            MOESCOPE_TRY(more);
            if (*more == 0)
                break;
            const auto before = Clock::now();
            MOESCOPE_TRY(repeat(-1));
            MOESCOPE_TRY(device_.take_repetition_times_ns());
            repetition_seconds_ = std::max(seconds_since(before), 1e-7);
        }
        return {};
    }

    std::int32_t batch_size() const {
        const auto done = std::int32_t(taken_);
        const std::int32_t goal = done < options_.rule.min_samples ? options_.rule.min_samples : options_.rule.max_samples;
        const double fitting = std::clamp(kBatchSeconds / repetition_seconds_, 1.0, double(kLargestBatch));
        return std::clamp(std::int32_t(fitting), 1, std::max(1, goal - done));
    }

    Status run_batch(std::int32_t size) {
        const auto before = Clock::now();
        std::int32_t run = 0;
        for (; run < size && (run == 0 || op_.ranks() || !options_.cancelled); ++run)
            MOESCOPE_TRY(repeat(std::int32_t(taken_) + run));
        event_reasons_ |= device_.clock_event_reasons(); // while the batch runs
        Result<std::vector<float>> times = device_.take_repetition_times_ns();
        MOESCOPE_TRY(times);
        Result<CaptureBatch> captured = device_.take_capture();
        MOESCOPE_TRY(captured);
        keep_times(*times, *captured);
        taken_ += std::size_t(run);
        repetition_seconds_ = seconds_since(before) / run;
        if (options_.on_records)
            options_.on_records(*captured);
        return {};
    }

    void keep_times(const std::vector<float> &times, const CaptureBatch &captured) {
        const bool host_clock = device_.info().is_cpu();
        std::vector<float> &clock_samples = host_clock ? out_.samples_ns : out_.event_samples_ns;
        clock_samples.insert(clock_samples.end(), times.begin(), times.end());
        if (host_clock)
            return;
        const auto seen = capture_ ? repetition_times(captured, options_.tag) : std::map<std::int32_t, RepetitionTimes>{};
        for (const auto &[repetition, one] : seen)
            out_.kernels_per_repetition = std::max(out_.kernels_per_repetition, one.kernels);
        for (const auto &[repetition, one] : seen) {
            if (one.kernels < out_.kernels_per_repetition)
                continue; // a record was dropped: its span would be too short
            out_.samples_ns.push_back(float(one.span_ns));
            kernel_ns_.push_back(float(one.kernel_ns));
            gap_ns_.push_back(float(one.gap_ns));
        }
        if (capture_ && seen.empty() && out_.samples_ns.empty())
            capture_ = false; // it runs, but gives nothing: step down
        if (!capture_)
            out_.samples_ns = out_.event_samples_ns;
    }

    void summarize_all() {
        using Timer = Measurement::Timer;
        out_.time = summarize(out_.samples_ns);
        out_.event_time = summarize(out_.event_samples_ns);
        if (capture_ && !device_.info().is_cpu() && misses_kernels(out_.time.median, out_.event_time.median)) {
            capture_ = false;
            out_.samples_ns = out_.event_samples_ns;
            out_.time = out_.event_time;
        }
        out_.timer = device_.info().is_cpu() ? Timer::HostClock : capture_ ? Timer::Cupti : Timer::CudaEvents;
        out_.kernel_ns = median(kernel_ns_);
        out_.gap_ns = median(gap_ns_);
        out_.throttle = throttle_text(event_reasons_);
    }

    Device &device_;
    Operator &op_;
    const MeasureOptions &options_;
    Measurement &out_;
    bool capture_;
    Clock::time_point begin_, updated_{};
    double repetition_seconds_ = 1e-3;
    std::size_t taken_ = 0; // repetitions so far
    std::uint64_t event_reasons_ = 0; // of all batches
    std::vector<float> kernel_ns_, gap_ns_;
};

} // namespace

bool enough_samples(const Repetition &rule, const Summary &time, double elapsed_seconds) {
    const auto samples = std::int64_t(time.samples);
    if (samples >= rule.max_samples || (samples > 0 && elapsed_seconds >= rule.max_seconds))
        return true;
    return samples >= rule.min_samples && time.relative_ci() <= rule.target_relative_ci;
}

Result<bool> measure(Device &device, Operator &op, const MeasureOptions &options, Measurement &out) {
    return Measuring(device, op, options, out).run();
}

} // namespace moescope
