// What a stretch of the timeline holds, in numbers.
#pragma once

#include "app/views/timeline_model.h"
#include "profiler/stats/summary.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace moescope {

struct StretchQuestion {
    std::int64_t start_ns = 0, end_ns = 0;
    std::vector<TrackKey> tracks;
    std::optional<std::uint32_t> name; // only items of this name
    friend bool operator==(const StretchQuestion &, const StretchQuestion &) = default;
};

// Equal steps of the logarithm of the duration.
struct DurationHistogram {
    double low_ns = 0, ratio = 1; // bin i: from low * ratio^i
    std::vector<std::uint32_t> bins;
    double from_ns(std::size_t bin) const;
    friend bool operator==(const DurationHistogram &, const DurationHistogram &) = default;
};

struct StretchStatistics {
    struct Name {
        TrackKind kind{};
        std::uint32_t name = 0;
        std::size_t count = 0;
        double total_ns = 0;
        friend bool operator==(const Name &, const Name &) = default;
    };
    Summary time; // of the items' durations
    double total_ns = 0;
    std::size_t begun_before = 0; // that run into the stretch: counted here alone
    DurationHistogram histogram;
    std::vector<Name> names; // by their total, the longest first
};

// Of the items that begin in [start, end): stretches side by side add up.
StretchStatistics statistics_of(const TimelineModel &model, const StretchQuestion &question);
// How many items are looked at for it.
std::size_t items_in(const TimelineModel &model, const StretchQuestion &question);

DurationHistogram histogram_of(std::span<const float> durations_ns, int bins);

} // namespace moescope
