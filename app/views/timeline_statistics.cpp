#include "app/views/timeline_statistics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace moescope {

namespace {

constexpr int kBins = 48;

// visit(row, first, last) for every row of the question.
template <typename Visit>
void each_row(const TimelineModel &model, const StretchQuestion &question, const Visit &visit) {
    for (const TrackKey &key : question.tracks) {
        const auto track = model.tracks().find(key);
        if (track == model.tracks().end())
            continue;
        for (const TimelineRow &row : track->second.rows())
            visit(key, row, row.first_starting_at(question.start_ns), row.first_starting_at(question.end_ns));
    }
}

} // namespace

double DurationHistogram::from_ns(std::size_t bin) const { return low_ns * std::pow(ratio, double(bin)); }

DurationHistogram histogram_of(std::span<const float> durations_ns, int bins) {
    DurationHistogram histogram;
    if (durations_ns.empty())
        return histogram;
    const auto [least, most] = std::ranges::minmax_element(durations_ns);
    const double low = std::max(1.0, double(*least)), high = std::max(low, double(*most));
    histogram.low_ns = low;
    // All of one length: one bin. The last bin holds the longest one too.
    const double logarithm = std::log(high / low);
    if (logarithm < 1e-6) {
        histogram.bins = {std::uint32_t(durations_ns.size())};
        return histogram;
    }
    histogram.ratio = std::exp(logarithm / bins);
    histogram.bins.assign(std::size_t(bins), 0);
    for (const float duration : durations_ns) {
        const double share = std::log(std::max(low, double(duration)) / low) / logarithm;
        ++histogram.bins[std::size_t(std::min(double(bins - 1), share * bins))];
    }
    return histogram;
}

std::size_t items_in(const TimelineModel &model, const StretchQuestion &question) {
    std::size_t items = 0;
    each_row(model, question, [&](const TrackKey &, const TimelineRow &, std::size_t first, std::size_t last) {
        items += last - first;
    });
    return items;
}

StretchStatistics statistics_of(const TimelineModel &model, const StretchQuestion &question) {
    StretchStatistics result;
    std::vector<float> durations;
    std::map<std::pair<TrackKind, std::uint32_t>, StretchStatistics::Name> names;
    each_row(model, question, [&](const TrackKey &key, const TimelineRow &row, std::size_t first, std::size_t last) {
        if (first > 0 && row[first - 1].end_ns > question.start_ns && (!question.name || row[first - 1].name == *question.name))
            ++result.begun_before;
        for (std::size_t i = first; i < last; ++i) {
            const TimelineItem &item = row[i];
            if (question.name && item.name != *question.name)
                continue;
            // Measurements and repetitions have no names: they are told by what they measure.
            const bool spans = key.kind == TrackKind::Measurements || key.kind == TrackKind::Repetitions;
            auto &name = names[{key.kind, spans ? item.ref : item.name}];
            const double duration = double(item.end_ns - item.start_ns);
            ++name.count;
            name.total_ns += duration;
            result.total_ns += duration;
            durations.push_back(float(duration));
        }
    });
    for (auto &[key, name] : names) {
        name.kind = key.first;
        name.name = key.second;
        result.names.push_back(name);
    }
    std::ranges::stable_sort(result.names, std::ranges::greater{}, &StretchStatistics::Name::total_ns);
    result.histogram = histogram_of(durations, kBins);
    result.time = summarize(durations);
    return result;
}

} // namespace moescope
