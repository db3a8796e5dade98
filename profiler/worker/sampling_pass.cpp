#include "profiler/worker/sampling_pass.h"

#include "profiler/base/clock.h"
#include "profiler/base/try.h"
#include "profiler/worker/operators/operator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace moescope {

namespace {

constexpr double kSampledNs = 20e6;  // of each item
constexpr double kLongestNs = 1e9;   // of each item, where a few launches take longer

std::string name_of(const PlanItem &item) { return fmt::format("{}/{}", info(item.op).name, item.variant); }

class Pass {
  public:
    using Each = std::function<Status(Operator &, const SampledItem &)>;

    Pass(const SamplingPass &pass, std::string what) : pass_(pass), what_(std::move(what)) {}

    // Items that follow one another and are variants of one operator share its inputs.
    Status run(const std::vector<SampledItem> &items, const Each &each) {
        for (std::size_t at = 0; at < items.size() && !pass_.cancelled;) {
            const OperatorId op = item_of(items[at]).op;
            std::size_t end = at + 1;
            while (end < items.size() && item_of(items[end]).op == op)
                ++end;
            const std::unique_ptr<Operator> bound = make_operator(op);
            if (const Status prepared = bound->prepare(pass_.device, pass_.plan.workload, pass_.routing); !prepared)
                MOESCOPE_TRY(tell(items[at], prepared));
            else
                for (std::size_t i = at; i < end && !pass_.cancelled; ++i) {
                    pass_.events.progress(fmt::format("{}: {}", name_of(item_of(items[i])), what_), 1);
                    MOESCOPE_TRY(tell(items[i], sample(*bound, items[i], each)));
                }
            at = end;
        }
        return {};
    }

  private:
    const PlanItem &item_of(const SampledItem &sampled) const { return pass_.plan.items[sampled.item]; }

    Status sample(Operator &op, const SampledItem &sampled, const Each &each) const {
        MOESCOPE_TRY(op.select(sampled.variant, sampled.config));
        MOESCOPE_TRY(op.launch()); // loads what there is to load
        MOESCOPE_TRY(pass_.device.synchronize());
        return each(op, sampled);
    }

    Status tell(const SampledItem &sampled, const Status &status) const {
        if (!status)
            pass_.events.failure(fmt::format("{} {}", name_of(item_of(sampled)), what_), status.error());
        return pass_.device.synchronize();
    }

    const SamplingPass &pass_;
    std::string what_;
};

Status launch_in_a_row(Device &device, Operator &op, const SampledItem &sampled, double most_ns) {
    MOESCOPE_TRY(device.begin_repetition({MeasurementId{sampled.item}, kSampledRepetition}));
    Status launched;
    for (std::int32_t left = launches_of(sampled.median_ns, most_ns); left > 0 && launched; --left)
        launched = op.launch();
    MOESCOPE_TRY(device.end_repetition());
    MOESCOPE_TRY(launched);
    const Result<std::vector<float>> times = device.take_repetition_times_ns(); // nobody's: they were sampled
    MOESCOPE_TRY(times);
    return {};
}

} // namespace

std::int32_t launches_of(double median_ns, double most_ns) {
    constexpr double kFew = 3, kMost = 5000;
    const double one = std::max(median_ns, 1.0);
    const double wanted = std::max(kSampledNs / one, kFew);
    return std::int32_t(std::clamp(std::floor(std::min(wanted, most_ns / one)), 1.0, kMost));
}

double sampled_ns(std::int64_t interval_ns) {
    constexpr double kUsed = 0.8; // the rest is for what lies round the launches
    return kUsed * double(kMostPmSamples) * double(interval_ns);
}

std::vector<PmSample> within(std::vector<PmSample> samples, std::int64_t start_ns, std::int64_t end_ns) {
    const auto before = [](const PmSample &sample, std::int64_t time) { return sample.end_ns < time; };
    const auto after = [](std::int64_t time, const PmSample &sample) { return time < sample.start_ns; };
    auto first = std::lower_bound(samples.begin(), samples.end(), start_ns, before);
    auto last = std::upper_bound(first, samples.end(), end_ns, after);
    constexpr std::ptrdiff_t kIdle = 2; // on either side, to see where it begins and ends
    first -= std::min(kIdle, first - samples.begin());
    last += std::min(kIdle, samples.end() - last);
    return {std::make_move_iterator(first), std::make_move_iterator(last)};
}

Status SamplingPass::sample_counters(PmSampler &sampler, const std::vector<SampledItem> &items) const {
    return Pass(*this, "sampled counters").run(items, [&](Operator &op, const SampledItem &item) -> Status {
        MOESCOPE_TRY(device.take_capture());
        MOESCOPE_TRY(sampler.start());
        const std::int64_t start_ns = now_ns();
        const Status launched = launch_in_a_row(device, op, item, sampled_ns(plan.sampling_interval_ns));
        const std::int64_t end_ns = now_ns();
        Result<PmReading> reading = sampler.stop(); // in every case
        MOESCOPE_TRY(launched);
        MOESCOPE_TRY(reading);
        Result<CaptureBatch> batch = device.take_capture();
        MOESCOPE_TRY(batch);
        for (const PmSample &sample : within(std::move(reading->samples), start_ns, end_ns))
            for (std::size_t metric = 0; metric < sample.values.size(); ++metric)
                batch->pm_samples.push_back(
                    {{}, sample.start_ns, sample.end_ns, 0, sampler.metrics()[metric], sample.values[metric]});
        if (reading->overflowed)
            events.log(name_of(plan.items[item.item]) + ": its launches took longer than the samples last; choose a longer interval");
        events.records(*batch);
        return {};
    });
}

Status SamplingPass::sample_places(PcSampler &sampler, const std::vector<SampledItem> &items) const {
    return Pass(*this, "instructions sampled").run(items, [&](Operator &op, const SampledItem &item) -> Status {
        MOESCOPE_TRY(sampler.start());
        const Status launched = launch_in_a_row(device, op, item, kLongestNs);
        Result<PcReading> reading = sampler.stop();
        MOESCOPE_TRY(launched);
        MOESCOPE_TRY(reading);
        CaptureBatch batch;
        batch.pc_samples = std::move(reading->samples);
        for (PcSampleRecord &record : batch.pc_samples)
            record.measurement = MeasurementId{item.item};
        events.log(fmt::format("{}: {} samples of warps at {} places, {} dropped", name_of(plan.items[item.item]),
                               reading->total, batch.pc_samples.size(), reading->dropped));
        events.records(batch);
        return {};
    });
}

} // namespace moescope
