// The parts of the timeline view.
#pragma once

#include "app/views/timeline.h"

#include <span>

namespace moescope {

struct TrackLayout {
    const TrackKey *key = nullptr; // null: the memory curve or a counter
    const TimelineRows *rows = nullptr;
    float top = 0, height = 0; // pixels from the first track's top
    const CounterKey *counter = nullptr;
    const CounterSeries *series = nullptr;
};

// Where everything is this frame.
struct TimelineCanvas {
    ImVec2 low, high; // of the tracks' time area, in pixels; scrolled content is clipped to it
    float gutter = 0; // width of the labels left of it
    float scroll = 0; // pixels the tracks are moved up by
    float row_height = 0;
    TimeRange range;
    std::vector<TrackLayout> tracks;
    float content_height = 0;
    bool hovered = false, clicked = false;
    ImVec2 mouse;
    ImDrawList *draw = nullptr;

    float x_of(double time_ns) const {
        return low.x + float((time_ns - range.start_ns) / range.span() * double(high.x - low.x));
    }
    double time_at(float x) const {
        return range.start_ns + double(x - low.x) / double(high.x - low.x) * range.span();
    }
    float y_of(const TrackLayout &track) const { return low.y + track.top - scroll; }
};

std::vector<TrackLayout> layout_tracks(const TimelineModel &model, float row_height, float gap,
                                       float memory_height, float counter_height, float &content_height);

// Everything between the ruler and the bottom, with hover and click.
void draw_tracks(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas);
void draw_counter(const ViewContext &context, const TimelineState &state, const TimelineCanvas &canvas,
                  const TrackLayout &track);
void draw_ruler(const ViewContext &context, const TimelineCanvas &canvas, float top);
// The selected item in words, with its buttons.
void draw_timeline_details(const ViewContext &context, TimelineState &state);

std::string title_of(const Session &session, const TimelineHit &hit);
std::string explain(const Session &session, const TimelineModel &model, const TimelineHit &hit);
// Brings a stretch of time into sight.
void show_span(TimelineState &state, std::int64_t start_ns, std::int64_t end_ns);
void select(const ViewContext &context, TimelineState &state, const TimelineHit &hit);

} // namespace moescope
