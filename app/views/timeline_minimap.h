// All of the time on one strip, to see where one is and to go elsewhere.
#pragma once

#include "app/views/timeline_model.h"
#include "app/views/timeline_range.h"

#include <cstdint>
#include <vector>

namespace moescope {

// How busy a pixel column of the strip is, and with which variant most.
struct MinimapColumn {
    float busy = 0; // 0 .. 1 of its time, in kernels; in calls where there are no kernels
    std::uint8_t slot = kNeutralSlot;
    friend bool operator==(const MinimapColumn &, const MinimapColumn &) = default;
};

// Of a range in nanoseconds after the model's origin.
std::vector<MinimapColumn> minimap_of(const TimelineModel &model, TimeRange whole, int columns);

// A drag on the strip: what it holds, decided where it began. New: another range is drawn, where the old one is all of it.
enum class MinimapGrip { None, Middle, Start, End, New };
MinimapGrip grip_at(TimeRange whole, TimeRange shown, double time_ns, double reach_ns);
// The range after a drag of that part by a time, in its order and no shorter than `least`.
TimeRange dragged(TimeRange shown, MinimapGrip grip, double by_ns, double least_ns);
// From one time to another, in their order, within the whole and no shorter than `least`.
TimeRange drawn(TimeRange whole, double from_ns, double to_ns, double least_ns);

} // namespace moescope
