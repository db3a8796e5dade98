// The parts of the timeline view.
#pragma once

#include "app/views/timeline.h"

#include <span>

namespace moescope {

struct TrackLayout {
    const TrackKey *key = nullptr; // null: a counter
    const TimelineRows *rows = nullptr;
    float top = 0, height = 0; // pixels from the top of the tracks that scroll, or of the pinned ones
    const CounterKey *counter = nullptr;
    const CounterSeries *series = nullptr;
    bool pinned = false;
    std::string id;
};
struct TrackSizes {
    float row = 0, gap = 0, counter = 0; // pixels
};
struct TrackLayouts {
    std::vector<TrackLayout> tracks; // the pinned ones first
    float pinned_height = 0, content_height = 0; // of the pinned ones, of those that scroll
    std::size_t hidden = 0;
};
// Without the hidden tracks.
TrackLayouts layout_tracks(const TimelineModel &model, const Session &session, const TimelineNotes &notes,
                           const TrackSizes &sizes);

// Where everything is this frame.
struct TimelineCanvas {
    ImVec2 low, high; // of the tracks' time area, in pixels; what is drawn is clipped to it
    float base = 0;   // y of the first track
    float gutter = 0; // width of the labels left of it
    float scroll = 0; // pixels the tracks are moved up by
    float row_height = 0;
    TimeRange range;
    TrackLayouts layouts;
    bool hovered = false, clicked = false;
    std::vector<std::pair<float, float>> flags; // what stands on the ruler, left to right end
    ImVec2 mouse;
    ImDrawList *draw = nullptr;

    float x_of(double time_ns) const {
        return low.x + float((time_ns - range.start_ns) / range.span() * double(high.x - low.x));
    }
    double time_at(float x) const {
        return range.start_ns + double(x - low.x) / double(high.x - low.x) * range.span();
    }
    double pixel_ns() const { return range.span() / double(high.x - low.x); }
    float y_of(const TrackLayout &track) const {
        return base + track.top + (track.pinned ? 0 : layouts.pinned_height - scroll);
    }
    // y where the tracks that scroll begin to be seen.
    float scrolled_from() const { return base + layouts.pinned_height; }
    bool seen(const TrackLayout &track) const {
        return y_of(track) < high.y && y_of(track) + track.height > (track.pinned ? base : scrolled_from());
    }
    const TrackLayout *track_at(float y) const;
    const TrackLayout *find(const TrackKey &key) const;
};

// Everything between the ruler and the bottom, with hover and click.
void draw_tracks(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas);
void draw_counter(const ViewContext &context, const TimelineState &state, const TimelineCanvas &canvas,
                  const TrackLayout &track);
void draw_ruler(const ViewContext &context, const TimelineCanvas &canvas, float top); // the lines
void draw_ruler_labels(const ViewContext &context, const TimelineCanvas &canvas, float top); // between the flags
void explain_ruler(const ViewContext &context, const TimelineCanvas &canvas, float top);
bool over_ruler(ImVec2 low, ImVec2 high); // whether the pointer is in a rectangle there
// The labels left of the tracks, with what pins and hides them.
void draw_labels(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas);
std::string label_of(const Session &session, const TrackLayout &track);
float gutter_for_labels(const ViewContext &context, const TimelineState &state);
// Launch arrows: the selected item's, and where they are wanted all in sight. The lines lie under the
// items, so that names stay readable, and the heads above them.
enum class ArrowPart { Lines, Heads };
void draw_arrows(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas, ArrowPart part);
// The strip of all time, at the cursor.
void draw_minimap(const ViewContext &context, TimelineState &state, TimeRange whole, float gutter, float height);
// What is measured: the stretch over the tracks, and its numbers.
void measure_with_mouse(TimelineState &state, const TimelineCanvas &canvas);
// True where the pointer is on what it says.
bool draw_stretch(const ViewContext &context, const TimelineState &state, TimelineCanvas &canvas, float ruler_top);
void draw_stretch_details(const ViewContext &context, TimelineState &state);
// "412 like it in this run: 3.1 ms in all, mean 7.5 µs, median 7.4 µs", once it is known.
void draw_like_it(const ViewContext &context, TimelineState &state);
// Flags on the ruler.
bool draw_bookmarks(const ViewContext &context, TimelineState &state, TimelineCanvas &canvas, float ruler_top);
void go_to(TimelineState &state, const TimelineBookmark &bookmark);
void draw_cards(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas);
void draw_timeline_toolbar(const ViewContext &context, TimelineState &state);
// The selected item in words, with its buttons.
void draw_timeline_details(const ViewContext &context, TimelineState &state);

// Mouse and keys on the tracks; the last item is their area.
void use_mouse(TimelineState &state, TimelineCanvas &canvas);
void use_keys(TimelineState &state, const TimelineCanvas &canvas);
void draw_box(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas);
// Carries out what was asked for.
void obey(const ViewContext &context, TimelineState &state);
void jump_next(const ViewContext &context, TimelineState &state);
void jump_previous(const ViewContext &context, TimelineState &state);
// Of the run that is shown, or of all.
TimeSpan shown_span(const ViewContext &context, const TimelineState &state);
TimeRange whole_range(const ViewContext &context, const TimelineState &state);

// A time after the first record, in as many digits as tell it from one `step_ns` later: "34.57712 s".
std::string format_moment(double ns, double step_ns);
std::string title_of(const Session &session, const TimelineHit &hit);
std::string explain(const Session &session, const TimelineModel &model, const TimelineHit &hit);
// Brings a stretch of time into sight.
void show_span(TimelineState &state, std::int64_t start_ns, std::int64_t end_ns);
// The selected measurement's sampled launches, or the first ones: they are short, and at the run's end. Empty
// where nothing was sampled.
TimeSpan sampled_span(const ViewContext &context, TimelineState &state);
void select(const ViewContext &context, TimelineState &state, const TimelineHit &hit);

} // namespace moescope
