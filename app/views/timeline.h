// "What ran when?": measurements, repetitions, calls, kernels, copies and memory on one time axis.
#pragma once

#include "app/shell/background_task.h"
#include "app/shell/shortcut.h"
#include "app/views/timeline_indexer.h"
#include "app/views/timeline_minimap.h"
#include "app/views/timeline_notes.h"
#include "app/views/timeline_range.h"
#include "app/views/timeline_statistics.h"
#include "app/views/view_context.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moescope {

// What can be asked of the timeline from outside, and by its keys.
enum class TimelineCommand {
    MoveLeft, // a step, as these four; their keys held go on
    MoveRight,
    ZoomIn, // about the pointer
    ZoomOut,
    Fit,    // the measured stretch or what is selected; all of it where that is in sight
    FitAll,
    AllRuns,     // or the one that is shown alone again
    Measurement, // the selected one's records
    Samples,     // its sampled launches, or the first ones
    Search,
    NextMatch,
    PreviousMatch,
    Bookmark,
    NextBookmark,
    PreviousBookmark,
    KeepTooltip,
    Arrows,
    ShowAllTracks,
    Clear // what is measured, kept and selected
};

struct TimelineStretch { // that is measured
    std::int64_t start_ns = 0, end_ns = 0;
    std::vector<TrackKey> tracks;
    friend bool operator==(const TimelineStretch &, const TimelineStretch &) = default;
};

// The numbers of a stretch, or of all items named like the selected one; made off the window's thread
// where they take a while.
struct TimelineAnswer {
    std::optional<StretchQuestion> question;
    std::shared_ptr<const TimelineModel> model; // it was answered from
    StretchStatistics statistics;
    BackgroundTask<StretchStatistics> task;
    bool known = false;
};

// An item's words that stay beside it.
struct TimelineCard {
    TimelineHit hit;
    ImVec2 offset; // pixels from the item
};

struct TimelineKeys { // that are held to move
    Shortcut left{.key = ImGuiKey_A}, right{.key = ImGuiKey_D}, in{.key = ImGuiKey_W}, out{.key = ImGuiKey_S};
};

struct TimelineState {
    TimelineIndexer index;
    const TimelineModel &model() const { return index.model(); }
    TimeRange range;
    float gutter = 0;     // width of the labels left of the tracks, this frame
    float scrollbar = 0;  // and of what is right of them, in the last one
    bool fit = true;      // at the next frame
    bool this_run = true; // or all runs
    RunId shown_run;      // a change fits again
    std::string query;
    bool focus_search = false;
    std::optional<TimelineHit> selected, hovered;
    int last_frame = 0;                     // it was drawn in
    MeasurementId seen_measurement;         // the selection's, then
    std::optional<std::size_t> seen_kernel; // the selection's, to notice a change made elsewhere
    // The other end of the selected item's launch arrow, looked up once.
    std::optional<TimelineHit> arrow_for, arrow_to;
    std::optional<ImVec2> box_start; // of a right drag
    std::optional<TimelineCommand> asked;
    bool own_keys = true; // where no shell has them among its commands
    TimelineKeys keys;
    std::optional<double> pointer_ns; // the time that the pointer was at in the last frame

    std::optional<std::pair<std::int64_t, float>> measure_from; // of a drag with Shift: time, y
    std::optional<TimelineStretch> stretch;
    TimelineAnswer answer;

    std::vector<TimelineNotes> all_notes; // of every session; the shell keeps them
    TimelineNotes notes;                  // of the one shown

    std::vector<TimelineCard> cards;

    bool arrows = false; // of all launches in sight, while they are few
    struct Arrows {
        std::shared_ptr<const TimelineModel> model;
        TimeRange range;
        std::vector<std::pair<TimelineHit, TimelineHit>> ends; // call, kernel
        bool too_many = false;
    } all_arrows;

    struct Minimap {
        std::shared_ptr<const TimelineModel> model;
        TimeRange whole;
        std::vector<MinimapColumn> columns;
        MinimapGrip grip = MinimapGrip::None;
        double drawn_from = 0; // of a new range
    } minimap;
};

void draw_timeline(const ViewContext &context, TimelineState &state);

} // namespace moescope
