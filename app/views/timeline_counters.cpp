#include "app/views/timeline_counters.h"

#include "app/views/bisect.h"
#include "profiler/base/assets.h"
#include "profiler/base/units.h"
#include "profiler/metrics/metric_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace moescope {

namespace {

// A state holds until the next one, but not for longer than this: then nobody asked.
constexpr std::int64_t kStateHoldsNs = 250'000'000;
constexpr std::int64_t kPauseNs = 1'000'000; // between two sampled stretches
constexpr const char *kBandwidth = "bytes/s";

std::int64_t sane(std::int64_t time_ns) { return std::clamp<std::int64_t>(time_ns, 0, INT64_MAX / 4); }

bool starts_before(const CounterSample &a, const CounterSample &b) { return a.start_ns < b.start_ns; }

const MetricSets &metric_sets() {
    static const MetricSets sets = [] {
        Result<MetricSets> loaded = load_metric_sets(find_asset("metrics.json"));
        return loaded ? std::move(*loaded) : MetricSets{}; // then metrics go by their own names
    }();
    return sets;
}

bool counts_bytes(std::string_view metric) {
    return metric.find("bytes") != metric.npos && metric.ends_with(".sum");
}

double per_second(const PmSampleRecord &sample) {
    const double seconds = double(sample.end_ns - sample.start_ns) * 1e-9;
    return seconds > 0 ? sample.value / seconds : 0;
}

CounterWords sampled_words(std::string_view metric) {
    CounterWords words;
    words.title = metric_sets().title(metric);
    const NamedMetric *named = metric_sets().find_metric(metric);
    words.explain = (named ? named->explain + "\n" : "") + std::string(metric) +
                    ", sampled in a pass of its own after everything was timed.";
    if (counts_bytes(metric))
        words.unit = kBandwidth;
    else if (metric.find("pct") != metric.npos) {
        words.unit = "%";
        words.most = 100;
    } else if (named)
        words.unit = named->unit;
    return words;
}

} // namespace

void CounterSeries::add(const CounterSample &sample) {
    if (!samples_.empty() && starts_before(sample, samples_.back())) {
        std::vector<CounterSample> all(samples_.begin(), samples_.end());
        all.insert(std::ranges::upper_bound(all, sample, starts_before), sample);
        *this = {};
        for (const CounterSample &each : all)
            add(each);
        return;
    }
    if (!samples_.empty() && samples_.back().end_ns > sample.start_ns) {
        CounterSample last = samples_.back();
        last.end_ns = sample.start_ns;
        samples_.set(samples_.size() - 1, last);
    }
    samples_.push_back(sample);
    std::size_t span = kBlock;
    for (auto &level : blocks_) {
        if (samples_.size() % span != 0)
            break;
        level.push_back(merged(samples_.size() - span, samples_.size()));
        span *= kBlock;
    }
}

std::size_t CounterSeries::first_ending_after(std::int64_t time_ns) const {
    return bisect(0, samples_.size(), [&](std::size_t i) { return samples_[i].end_ns <= time_ns; });
}

std::size_t CounterSeries::first_starting_at(std::size_t from, std::int64_t time_ns) const {
    return bisect(from, samples_.size(), [&](std::size_t i) { return samples_[i].start_ns < time_ns; });
}

std::optional<CounterSample> CounterSeries::at(std::int64_t time_ns) const {
    const std::size_t index = first_ending_after(time_ns);
    if (index == samples_.size() || samples_[index].start_ns > time_ns)
        return std::nullopt;
    return samples_[index];
}

CounterSeries::Piece CounterSeries::merged(std::size_t first, std::size_t last) const {
    const CounterSample begin = samples_[first];
    Piece piece{begin.start_ns, samples_[last - 1].end_ns, begin.value, begin.value, 0, last - first};
    const auto add = [&](double low, double high, std::uint32_t reasons) {
        piece.low = std::min(piece.low, low);
        piece.high = std::max(piece.high, high);
        piece.reasons |= reasons;
    };
    for (std::size_t i = first; i < last;) {
        // The largest full block that begins here and ends in time.
        std::size_t span = 1, level = 0;
        while (level < blocks_.size() && i % (span * kBlock) == 0 && i + span * kBlock <= last &&
               i / (span * kBlock) < blocks_[level].size()) {
            span *= kBlock;
            ++level;
        }
        if (level == 0)
            add(samples_[i].value, samples_[i].value, samples_[i].reasons);
        else {
            const Piece &block = blocks_[level - 1][i / span];
            add(block.low, block.high, block.reasons);
        }
        i += span;
    }
    return piece;
}

std::vector<CounterSeries::Piece> CounterSeries::pieces(std::int64_t start_ns, std::int64_t end_ns,
                                                        int columns) const {
    std::vector<Piece> result;
    std::size_t at = first_ending_after(start_ns);
    const std::size_t last = first_starting_at(at, end_ns);
    columns = std::max(columns, 1);
    const double width = double(end_ns - start_ns) / columns;
    const auto narrow = [&](std::size_t i) { return double(samples_[i].end_ns - samples_[i].start_ns) < width; };
    while (at < last) {
        std::size_t next = at + 1;
        if (narrow(at)) { // with those that begin in the same column; a long one stands for itself
            const double column = std::floor(std::max(0.0, double(samples_[at].start_ns - start_ns)) / width);
            next = std::max(next, std::min(last, first_starting_at(at, start_ns + std::int64_t(std::ceil((column + 1) * width)))));
            if (next > at + 1 && !narrow(next - 1))
                --next;
        }
        result.push_back(merged(at, next));
        at = next;
    }
    return result;
}

bool TimelineCounters::continues(const Session &session) const {
    return session.pm_samples.size() >= seen_samples_ && session.device_states.size() >= seen_states_;
}

void TimelineCounters::add_new(const Session &session) {
    for (; seen_samples_ < session.pm_samples.size(); ++seen_samples_) {
        const PmSampleRecord &record = session.pm_samples[seen_samples_];
        const double value = counts_bytes(session.name(record.metric)) ? per_second(record) : record.value;
        const std::int64_t start = sane(record.start_ns);
        series_[{CounterKind::Sampled, record.device, record.metric}].add(
            {start, std::max(start, sane(record.end_ns)), value, 0});
        add_stretch(start, std::max(start, sane(record.end_ns)));
    }
    for (; seen_states_ < session.device_states.size(); ++seen_states_) {
        const DeviceStateRecord &record = session.device_states[seen_states_];
        const std::int64_t start = sane(record.time_ns), end = start + kStateHoldsNs;
        const auto add = [&](CounterKind kind, double value) {
            if (value > 0) // 0: the device does not tell
                series_[{kind, record.device, {}}].add({start, end, value, std::uint32_t(record.clock_event_reasons)});
        };
        add(CounterKind::SmClock, record.sm_clock_mhz);
        add(CounterKind::Power, record.power_w);
        add(CounterKind::Temperature, record.temperature_c);
    }
}

void TimelineCounters::add_stretch(std::int64_t start_ns, std::int64_t end_ns) {
    auto next = std::ranges::upper_bound(stretches_, start_ns, {}, &std::pair<std::int64_t, std::int64_t>::first);
    if (next == stretches_.begin() || start_ns - std::prev(next)->second > kPauseNs)
        next = std::next(stretches_.insert(next, {start_ns, end_ns}));
    auto &stretch = *std::prev(next);
    stretch.second = std::max(stretch.second, end_ns);
    while (next != stretches_.end() && next->first - stretch.second <= kPauseNs) {
        stretch.second = std::max(stretch.second, next->second);
        next = stretches_.erase(next);
    }
}

std::optional<std::pair<std::int64_t, std::int64_t>> TimelineCounters::stretch_after(std::int64_t time_ns) const {
    const auto found =
        std::ranges::upper_bound(stretches_, time_ns, {}, &std::pair<std::int64_t, std::int64_t>::second);
    return found == stretches_.end() ? std::nullopt : std::optional(*found);
}

namespace {

bool of_ranks(const Session &session) {
    for (const RunRecord &run : session.runs)
        if (run.plan.ranks && run.plan.ranks->size > 1)
            return true;
    return false;
}

} // namespace

CounterWords words_of(const Session &session, const CounterKey &key) {
    CounterWords words;
    switch (key.kind) {
    case CounterKind::Sampled:
        words = sampled_words(session.name(key.metric));
        break;
    case CounterKind::SmClock:
        words = {"SM clock", "MHz", "As NVML reports it, read while something is measured. Marked where something "
                                    "held the clocks back.", {}, false};
        break;
    case CounterKind::Power:
        words = {"Power", "W", "Of the whole board, as NVML reports it: averaged by the device itself.", {}, true};
        break;
    case CounterKind::Allocated:
        words = {"Device memory", "bytes", "Allocated by the worker, as its ledger has it.", {}, true};
        break;
    case CounterKind::Temperature:
        words = {"Temperature", "°C", "Of the GPU, as NVML reports it.", {}, false};
        break;
    }
    if (!of_ranks(session)) {
        if (key.device != 0)
            words.title = fmt::format("GPU {}: {}", key.device, words.title);
    } else if (key.kind == CounterKind::Allocated) {
        words.title = "Memory of all ranks";
        words.explain = "Allocated by the workers of all ranks together, as their ledgers have it.";
    } else
        words.title = fmt::format("Rank {}: {}", key.device, words.title);
    return words;
}

std::string counter_text(const CounterWords &words, double value) {
    if (words.unit == kBandwidth)
        return format_bandwidth(value);
    if (words.unit == "bytes")
        return format_bytes(value);
    const std::string number = std::abs(value) >= 1000 ? format_count(std::round(value)) : fmt::format("{:.3g}", value);
    return words.unit.empty() ? number : number + " " + words.unit;
}

std::string range_text(const CounterWords &words, charts::Range range) {
    CounterWords bare = words;
    if (!bare.unit.empty() && bare.unit != kBandwidth && bare.unit != "bytes")
        bare.unit.clear();
    return (range.low > 0 ? counter_text(bare, range.low) : "0") + " – " + counter_text(words, range.high);
}

charts::Range counter_range(const CounterWords &words, std::span<const CounterSeries::Piece> pieces) {
    charts::Extent extent;
    if (words.from_zero || words.most)
        extent.add(0);
    for (const CounterSeries::Piece &piece : pieces) {
        extent.add(piece.low);
        extent.add(piece.high);
    }
    charts::Range range = extent.range();
    if (words.most)
        return {0, std::max(*words.most, range.high)};
    if (!words.from_zero) { // a wavering of a percent is no mountain
        constexpr double kLeast = 0.1;
        const double missing = std::max(0.0, kLeast * range.high - range.span());
        range.low = std::max(0.0, range.low - missing * 0.8);
        range.high += missing * 0.2;
    }
    return range.span() > 0 ? range : charts::Range{range.low, range.low + 1};
}

} // namespace moescope
