#include "profiler/explain/counters.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr std::string_view kDuration[] = {"gpu__time_duration.sum"};
constexpr std::string_view kDramRead[] = {"dram__bytes_read.sum", "dram__bytes_op_read.sum"};
constexpr std::string_view kDramWritten[] = {"dram__bytes_write.sum", "dram__bytes_op_write.sum"};
constexpr std::string_view kL2Hits[] = {"lts__t_sector_hit_rate.pct"};
constexpr std::string_view kL2Bytes[] = {"lts__t_bytes.sum"};
constexpr std::string_view kSmActive[] = {"sm__cycles_active.avg.pct_of_peak_sustained_elapsed"};
constexpr std::string_view kTensorPipe[] = {
    "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active",
    "sm__inst_executed_pipe_tensor.avg.pct_of_peak_sustained_active"};
constexpr std::string_view kOccupancy[] = {"sm__warps_active.avg.pct_of_peak_sustained_active"};

// Of the time that passes, not of what is done in it.
bool is_by_time(std::string_view metric) {
    return metric.ends_with("_elapsed") || metric.ends_with("per_second");
}

// Time that passes, or cycles of it: a repetition's are its kernels' together.
bool is_duration(std::string_view metric) {
    return std::ranges::find(kDuration, metric) != std::end(kDuration) ||
           metric.find("__cycles_elapsed.") != std::string_view::npos;
}

// The kernels' sum, weighted by their durations; nothing where one of them lacks either.
std::optional<double> mean_over_time(const Session &session, std::span<const CounterRange> kernels,
                                     std::string_view metric) {
    double sum = 0, time = 0;
    for (const CounterRange &kernel : kernels) {
        const auto value = kernel.find(session, metric);
        const auto duration = kernel.find(session, Counter::DurationNs);
        if (!value || !duration)
            return std::nullopt;
        sum += *value * *duration;
        time += *duration;
    }
    return time > 0 ? std::optional(sum / time) : std::nullopt;
}

// A range's own start and end take about a hundred microseconds, which are not the kernels': what goes
// by time is put together from the kernels' ranges where they were counted one by one.
void leave_out_range_time(const Session &session, const Measurement &measurement,
                          std::vector<CounterRange> &ranges) {
    const bool each = ranges.size() > std::max<std::size_t>(1, std::size_t(measurement.kernels_per_repetition));
    if (!each || ranges.front().kernel >= 0)
        return;
    const std::span<const CounterRange> kernels = std::span(ranges).subspan(1);
    for (CounterRange::Value &value : ranges.front().values) {
        const std::string_view metric = session.name(value.metric);
        if (is_by_time(metric)) {
            value.value = mean_over_time(session, kernels, metric).value_or(value.value);
        } else if (is_duration(metric)) {
            double time = 0;
            const bool all = std::ranges::all_of(kernels, [&](const CounterRange &kernel) {
                const auto duration = kernel.find(session, metric);
                time += duration.value_or(0);
                return duration.has_value();
            });
            value.value = all ? time : value.value;
        }
    }
}

constexpr std::string_view kStallBegin = "issue_stalled_", kStallEnd = "_per_issue_active";

} // namespace

std::span<const std::string_view> names_of(Counter counter) {
    switch (counter) {
    case Counter::DurationNs:
        return kDuration;
    case Counter::DramRead:
        return kDramRead;
    case Counter::DramWritten:
        return kDramWritten;
    case Counter::L2Hits:
        return kL2Hits;
    case Counter::L2Bytes:
        return kL2Bytes;
    case Counter::SmActive:
        return kSmActive;
    case Counter::TensorPipe:
        return kTensorPipe;
    case Counter::Occupancy:
        return kOccupancy;
    }
    return {};
}

std::string_view stall_reason(std::string_view metric) {
    const std::size_t begin = metric.find(kStallBegin), end = metric.find(kStallEnd);
    if (begin == std::string_view::npos || end == std::string_view::npos)
        return {};
    const std::size_t from = begin + kStallBegin.size();
    return from < end ? metric.substr(from, end - from) : std::string_view();
}

std::optional<double> CounterRange::find(const Session &session, std::string_view metric) const {
    for (const Value &value : values)
        if (session.name(value.metric) == metric && std::isfinite(value.value))
            return value.value;
    return std::nullopt;
}

std::optional<double> CounterRange::find(const Session &session, Counter counter) const {
    for (const std::string_view name : names_of(counter))
        if (const auto value = find(session, name))
            return value;
    return std::nullopt;
}

std::optional<double> CounterRange::dram_bytes(const Session &session) const {
    const auto read = find(session, Counter::DramRead);
    const auto written = find(session, Counter::DramWritten);
    if (read && written)
        return *read + *written;
    return find(session, "dram__bytes.sum");
}

std::vector<Stall> CounterRange::stalls(const Session &session) const {
    std::vector<Stall> found;
    for (const Value &value : values)
        if (const auto reason = stall_reason(session.name(value.metric));
            !reason.empty() && reason != "selected" && value.value > 0)
            found.push_back({std::string(reason), value.metric, value.value});
    std::stable_sort(found.begin(), found.end(),
                     [](const Stall &a, const Stall &b) { return a.warps > b.warps; });
    return found;
}

void CountersByMeasurement::update(const Session &session) {
    const bool continues =
        session.counters.size() >= seen_ && (seen_ == 0 || session.counters[seen_ - 1] == last_);
    if (!continues) {
        ranges_.clear();
        seen_ = 0;
    }
    ranges_.resize(session.measurements.size());
    std::vector<std::uint32_t> changed;
    for (; seen_ < session.counters.size(); ++seen_) {
        const CounterRecord &record = session.counters[seen_];
        if (!record.measurement.valid() || record.measurement.value >= ranges_.size())
            continue;
        auto &mine = ranges_[record.measurement.value];
        if (changed.empty() || changed.back() != record.measurement.value)
            changed.push_back(record.measurement.value);
        auto at = std::lower_bound(
            mine.begin(), mine.end(), record.kernel,
            [](const CounterRange &range, std::int32_t kernel) { return range.kernel < kernel; });
        if (at == mine.end() || at->kernel != record.kernel)
            at = mine.insert(at, {.kernel = record.kernel, .name = record.range, .values = {}});
        auto value = std::find_if(at->values.begin(), at->values.end(),
                                  [&](const auto &one) { return one.metric == record.metric; });
        if (value == at->values.end())
            at->values.push_back({record.metric, record.value});
        else
            value->value = record.value;
    }
    std::ranges::sort(changed);
    const auto twice = std::ranges::unique(changed);
    changed.erase(twice.begin(), twice.end());
    for (const std::uint32_t measurement : changed)
        leave_out_range_time(session, session.measurements[measurement], ranges_[measurement]);
    if (seen_ > 0)
        last_ = session.counters[seen_ - 1];
}

std::span<const CounterRange> CountersByMeasurement::of(MeasurementId measurement) const {
    if (!measurement.valid() || measurement.value >= ranges_.size())
        return {};
    return ranges_[measurement.value];
}

const CounterRange *CountersByMeasurement::whole(MeasurementId measurement) const {
    const auto ranges = of(measurement);
    return !ranges.empty() && ranges.front().kernel < 0 ? &ranges.front() : nullptr;
}

} // namespace moescope
