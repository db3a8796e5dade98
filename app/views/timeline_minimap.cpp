#include "app/views/timeline_minimap.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace moescope {

namespace {

class Columns {
  public:
    Columns(TimeRange whole, int count)
        : start_(whole.start_ns), width_(whole.span() / count), busy_(std::size_t(count)) {}

    // Time of one kind, spread over the columns it lies in.
    void add(double from_ns, double to_ns, double busy_ns, std::uint8_t slot) {
        const double density = to_ns > from_ns ? busy_ns / (to_ns - from_ns) : 0;
        const auto last = std::int64_t(busy_.size()) - 1;
        const auto column = [&](double time) {
            return std::clamp(std::int64_t(std::floor((time - start_) / width_)), std::int64_t{0}, last);
        };
        for (std::int64_t i = column(from_ns); i <= column(to_ns); ++i) {
            const double low = start_ + double(i) * width_;
            const double shared = std::min(to_ns, low + width_) - std::max(from_ns, low);
            if (shared > 0)
                busy_[std::size_t(i)][slot] += density * shared;
        }
    }

    std::vector<MinimapColumn> result() const {
        std::vector<MinimapColumn> columns;
        for (const auto &busy : busy_) {
            double sum = 0;
            for (const double each : busy)
                sum += each;
            const auto most = std::ranges::max_element(busy);
            columns.push_back({float(std::min(1.0, sum / width_)),
                               sum > 0 ? std::uint8_t(most - busy.begin()) : kNeutralSlot});
        }
        return columns;
    }

  private:
    double start_, width_;
    std::vector<std::array<double, kTimelineSlots>> busy_;
};

} // namespace

std::vector<MinimapColumn> minimap_of(const TimelineModel &model, TimeRange whole, int columns) {
    if (columns < 1 || !(whole.span() > 0))
        return {};
    const std::int64_t origin = model.origin_ns();
    const bool kernels = std::ranges::any_of(
        model.tracks(), [](const auto &track) { return track.first.kind == TrackKind::Kernels; });
    Columns all(whole, columns);
    for (const auto &[key, track] : model.tracks())
        if (key.kind == (kernels ? TrackKind::Kernels : TrackKind::Api))
            for (const TimelineRow &row : track.rows())
                for (const TimelineBar &bar : row.bars(whole.start_ns, whole.end_ns, columns, origin))
                    all.add(double(bar.start_ns - origin), double(bar.end_ns - origin), double(bar.busy_ns), bar.slot);
    return all.result();
}

MinimapGrip grip_at(TimeRange whole, TimeRange shown, double time_ns, double reach_ns) {
    if (time_ns < whole.start_ns || time_ns > whole.end_ns)
        return MinimapGrip::None;
    const double from_start = std::abs(time_ns - shown.start_ns), from_end = std::abs(time_ns - shown.end_ns);
    // Where both edges are within reach the middle is held: a narrow range is moved, not resized.
    if (shown.span() > 3 * reach_ns && std::min(from_start, from_end) <= reach_ns)
        return from_start < from_end ? MinimapGrip::Start : MinimapGrip::End;
    const bool all = shown.start_ns <= whole.start_ns + reach_ns && shown.end_ns >= whole.end_ns - reach_ns;
    return all ? MinimapGrip::New : MinimapGrip::Middle;
}

TimeRange dragged(TimeRange shown, MinimapGrip grip, double by_ns, double least_ns) {
    switch (grip) {
    case MinimapGrip::None:
    case MinimapGrip::New:
        break;
    case MinimapGrip::Middle:
        return moved(shown, by_ns);
    case MinimapGrip::Start:
        return {std::min(shown.start_ns + by_ns, shown.end_ns - least_ns), shown.end_ns};
    case MinimapGrip::End:
        return {shown.start_ns, std::max(shown.end_ns + by_ns, shown.start_ns + least_ns)};
    }
    return shown;
}

TimeRange drawn(TimeRange whole, double from_ns, double to_ns, double least_ns) {
    const auto [low, high] = std::minmax({std::clamp(from_ns, whole.start_ns, whole.end_ns),
                                          std::clamp(to_ns, whole.start_ns, whole.end_ns)});
    return {low, std::max(high, low + least_ns)};
}

} // namespace moescope
