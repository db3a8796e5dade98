// "What ran when?": measurements, repetitions, calls, kernels, copies and memory on one time axis.
#pragma once

#include "app/views/timeline_model.h"
#include "app/views/timeline_range.h"
#include "app/views/view_context.h"

#include <optional>
#include <string>

namespace moescope {

struct TimelineState {
    TimelineModel model;
    TimeRange range;
    bool fit = true;      // at the next frame
    bool this_run = true; // or all runs
    RunId shown_run;      // a change fits again
    std::string query;
    bool focus_search = false;
    std::optional<TimelineHit> selected;
    int last_frame = 0;                     // it was drawn in
    MeasurementId seen_measurement;         // the selection's, then
    std::optional<std::size_t> seen_kernel; // the selection's, to notice a change made elsewhere
    // The other end of the selected item's launch arrow, looked up once.
    std::optional<TimelineHit> arrow_for, arrow_to;
    std::optional<ImVec2> box_start; // of a right drag
};

void draw_timeline(const ViewContext &context, TimelineState &state);

} // namespace moescope
