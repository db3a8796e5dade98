#include "profiler/worker/counters.h"

#include "profiler/base/try.h"
#include "profiler/metrics/metric.h"
#include "profiler/worker/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace moescope {

namespace {

using Ranges = CounterSource::Ranges;

constexpr std::size_t kMostKernels = 256; // of a repetition, where a capture did not tell how many

bool same_bits(const std::vector<HostArray> &a, const std::vector<HostArray> &b) {
    return std::ranges::equal(a, b, [](const HostArray &x, const HostArray &y) { return x.bytes == y.bytes; });
}

class Reading {
  public:
    Reading(Device &device, Operator &op, const CounterRequest &request)
        : device_(device), op_(op), request_(request) {}

    Result<CounterReading> run() {
        MOESCOPE_TRY(run_plainly());
        {
            Result<std::unique_ptr<CounterSource>> source = device_.open_counters();
            MOESCOPE_TRY(source);
            MOESCOPE_TRY(read_all(**source));
        }
        if (!out_.cancelled)
            MOESCOPE_TRY(check_result());
        return std::move(out_);
    }

  private:
    Result<std::vector<HostArray>> result_of_launch() {
        MOESCOPE_TRY(spoil_outputs(device_, op_));
        MOESCOPE_TRY(op_.launch());
        return download_outputs(device_, op_);
    }

    // Twice without counters: what the passes must not change, whether it holds still by itself, and
    // the kernels' names.
    Status run_plainly() {
        Result<std::vector<HostArray>> first = result_of_launch();
        MOESCOPE_TRY(first);
        before_ = std::move(*first);
        MOESCOPE_TRY(device_.take_capture());
        MOESCOPE_TRY(device_.begin_repetition({request_.tag, -1}));
        const Result<std::vector<HostArray>> second = result_of_launch();
        MOESCOPE_TRY(device_.end_repetition());
        MOESCOPE_TRY(second);
        MOESCOPE_TRY(device_.take_repetition_times_ns());
        out_.repeatable = same_bits(before_, *second);
        own_difference_ = out_.repeatable ? 0 : relative_error(*second, before_);
        Result<CaptureBatch> captured = device_.take_capture();
        MOESCOPE_TRY(captured);
        keep_names(*captured);
        return {};
    }

    void keep_names(CaptureBatch &captured) {
        std::erase_if(captured.kernels, [&](const KernelRecord &kernel) { return kernel.tag.measurement != request_.tag; });
        std::ranges::sort(captured.kernels, {}, &KernelRecord::start_ns);
        for (const KernelRecord &kernel : captured.kernels)
            kernels_.push_back(kernel.name);
    }

    Status read_all(CounterSource &source) {
        ResolvedMetrics resolved =
            resolve_metrics(request_.metrics, [&](const std::string &metric) { return source.offers(metric); });
        out_.missing = std::move(resolved.missing);
        metrics_ = std::move(resolved.readable);
        if (metrics_.empty())
            return Error{"counters", "this chip offers none of those asked for", "moescope metrics lists what it offers"};
        for (const std::string &metric : metrics_)
            metric_names_.push_back(source.intern(metric));
        MOESCOPE_TRY(read(source, Ranges::Whole));
        return out_.cancelled ? Status{} : read(source, Ranges::EachKernel);
    }

    Status read(CounterSource &source, Ranges ranges) {
        const std::size_t most = ranges == Ranges::Whole ? 1 : std::max(kMostKernels, 2 * kernels_.size());
        const Result<std::int32_t> expected = source.begin(metrics_, ranges, most);
        MOESCOPE_TRY(expected);
        const Status passed = run_passes(source, *expected);
        const Result<std::vector<CounterSource::Range>> read = source.finish(); // in every case
        MOESCOPE_TRY(passed);
        if (out_.cancelled)
            return {};
        MOESCOPE_TRY(read);
        keep(source, *read, ranges);
        return {};
    }

    Status run_passes(CounterSource &source, std::int32_t expected) {
        for (bool last = false; !last; ++out_.passes) {
            if (request_.cancelled) {
                out_.cancelled = true;
                return {};
            }
            if (expected-- < 0)
                return Error{"counters", "the passes do not come to an end", "choose fewer metrics"};
            MOESCOPE_TRY(spoil_outputs(device_, op_));
            if (request_.cache == CacheState::Cold)
                MOESCOPE_TRY(device_.make_cold());
            MOESCOPE_TRY(device_.synchronize()); // or that work would be counted
            MOESCOPE_TRY(source.begin_pass());
            const Status launched = op_.launch();
            const Result<bool> ended = source.end_pass();
            MOESCOPE_TRY(launched);
            MOESCOPE_TRY(ended);
            MOESCOPE_TRY(device_.synchronize());
            last = *ended;
        }
        return {};
    }

    void keep(CounterSource &source, const std::vector<CounterSource::Range> &ranges, Ranges kind) {
        for (std::size_t place = 0; place < ranges.size(); ++place) {
            CounterRecord record;
            record.measurement = request_.tag;
            if (kind == Ranges::EachKernel) {
                record.kernel = std::int32_t(place);
                // Another number of launches than captured: their names would be guesses.
                record.range = ranges.size() == kernels_.size() ? kernels_[place]
                                                                : source.intern(fmt::format("kernel {}", place + 1));
            }
            for (std::size_t metric = 0; metric < ranges[place].values.size(); ++metric) {
                record.metric = metric_names_[metric];
                record.value = ranges[place].values[metric];
                out_.records.push_back(record);
            }
        }
    }

    // The last pass wrote every output anew.
    Status check_result() {
        const Result<std::vector<HostArray>> after = download_outputs(device_, op_);
        MOESCOPE_TRY(after);
        if (same_bits(*after, before_))
            return {};
        out_.difference = relative_error(*after, before_);
        MOESCOPE_TRY(try_repeating());
        constexpr double kSpread = 10; // of results that differ by themselves: atomics in another order
        if (out_.repeatable || out_.difference > kSpread * own_difference_)
            return Error{"counters", fmt::format("the result after the passes is {:.3g} from the one before", out_.difference),
                         "report this: the counters are not to be trusted"};
        return {};
    }

    // Two equal results may have been chance.
    Status try_repeating() {
        constexpr int kTries = 4;
        for (int i = 0; i < kTries; ++i) {
            const Result<std::vector<HostArray>> again = result_of_launch();
            MOESCOPE_TRY(again);
            out_.repeatable = out_.repeatable && same_bits(*again, before_);
            own_difference_ = std::max(own_difference_, relative_error(*again, before_));
        }
        return {};
    }

    Device &device_;
    Operator &op_;
    const CounterRequest &request_;
    std::vector<HostArray> before_;
    double own_difference_ = 0;
    std::vector<NameId> kernels_; // of a repetition, in order; empty where nothing was captured
    std::vector<std::string> metrics_;
    std::vector<NameId> metric_names_;
    CounterReading out_;
};

} // namespace

std::string counters_text(const CounterReading &reading, double seconds) {
    std::string text = fmt::format("{} counter passes in {:.2f} s", reading.passes, seconds);
    if (reading.cancelled)
        return text + ", stopped before the last";
    if (reading.repeatable)
        text += ", the result unchanged bit for bit";
    else
        text += fmt::format(", the result within {:.2g} (it differs between launches by itself)", reading.difference);
    if (!reading.missing.empty())
        text += fmt::format("; not offered by this chip: {}", fmt::join(reading.missing, ", "));
    return text;
}

Status spoil_outputs(Device &device, const Operator &op) {
    constexpr std::uint8_t kNan = 0xff;
    for (const OutputView &view : op.outputs())
        if (view.bytes() > 0)
            MOESCOPE_TRY(device.fill_byte(view.data, kNan, view.bytes()));
    return {};
}

Result<CounterReading> read_counters(Device &device, Operator &op, const CounterRequest &request) {
    return Reading(device, op, request).run();
}

} // namespace moescope
