// The timeline's commands. The key for taking back (Esc) is not among them: it works the window itself.
#include "app/shell/shell.h"

namespace moescope {

void Shell::add_timeline_actions() {
    timeline_.own_keys = false;
    struct Command {
        const char *id, *title, *explain;
        TimelineCommand command;
        Shortcut standard;
        bool starts_section = false;
    };
    using enum TimelineCommand;
    const Command commands[] = {
        {"timeline.left", "Move left", "Earlier times. Hold its key to go on.", MoveLeft, {.key = ImGuiKey_A}},
        {"timeline.right", "Move right", "Later times. Hold its key to go on.", MoveRight, {.key = ImGuiKey_D}},
        {"timeline.zoom_in", "Zoom in", "About the pointer. Hold its key to go on; the wheel does the same.", ZoomIn,
         {.key = ImGuiKey_W}},
        {"timeline.zoom_out", "Zoom out", "About the pointer. Hold its key to go on; the wheel does the same.", ZoomOut,
         {.key = ImGuiKey_S}},
        {"timeline.fit", "Fit what is marked", "What is measured or selected on the timeline; all of it where that is in sight.",
         Fit, {.key = ImGuiKey_F}, true},
        {"timeline.fit_all", "Fit all of it", "The whole run on the timeline.", FitAll, {.key = ImGuiKey_F, .shift = true}},
        {"timeline.all_runs", "All runs on the timeline", "Every run of the session on one time axis, or the one shown alone.",
         AllRuns, {}},
        {"timeline.measurement", "Go to the measurement", "The selected measurement's records on the timeline.", Measurement,
         {.key = ImGuiKey_M}},
        {"timeline.samples", "Go to the samples", "Where counters were sampled over time: the selected measurement's launches, or "
                                                   "the first.", Samples, {.key = ImGuiKey_M, .shift = true}},
        {"timeline.search", "Search the timeline", "Kernels, calls and operators by part of their name.", Search,
         {.key = ImGuiKey_Slash}, true},
        {"timeline.next_match", "Next match", "The next item that the search has found.", NextMatch, {.key = ImGuiKey_N}},
        {"timeline.previous_match", "Previous match", "The item before that the search has found.", PreviousMatch,
         {.key = ImGuiKey_N, .shift = true}},
        {"timeline.bookmark", "Set a bookmark", "At what is measured or selected, otherwise in the middle. Kept with the settings.",
         Bookmark, {.key = ImGuiKey_B}, true},
        {"timeline.next_bookmark", "Next bookmark", "Goes to the bookmark after what is in sight.", NextBookmark,
         {.key = ImGuiKey_RightBracket}},
        {"timeline.previous_bookmark", "Previous bookmark", "Goes to the bookmark before what is in sight.", PreviousBookmark,
         {.key = ImGuiKey_LeftBracket}},
        {"timeline.keep_tooltip", "Keep the tooltip", "The words of what the pointer is on, or of what is selected, stay beside it.",
         KeepTooltip, {.key = ImGuiKey_T}, true},
        {"timeline.arrows", "Launch arrows", "From every launch in sight to its kernel, while there are few enough.", Arrows,
         {.key = ImGuiKey_L}},
        {"timeline.show_tracks", "Show all tracks", "Brings back the tracks that were hidden.", ShowAllTracks, {.key = ImGuiKey_H}}};
    for (const Command &each : commands) {
        Action action{.id = each.id,
                      .title = each.title,
                      .group = "Timeline",
                      .explain = each.explain,
                      .standard = each.standard,
                      .run = [this, command = each.command] { timeline_.asked = command; },
                      .refused = [this] { return shows(ViewId::Timeline) ? "" : "The timeline is not in sight."; },
                      .starts_section = each.starts_section};
        if (each.command == Arrows)
            action.ticked = [this] { return timeline_.arrows; };
        if (each.command == AllRuns)
            action.ticked = [this] { return !timeline_.this_run; };
        actions_.add(std::move(action));
    }
}

// As they are now: the user may change them at any time.
void Shell::follow_timeline_keys() {
    const auto keys = [this](const char *id) { return actions_.shortcut(*actions_.find(id)); };
    timeline_.keys = {keys("timeline.left"), keys("timeline.right"), keys("timeline.zoom_in"), keys("timeline.zoom_out")};
}

} // namespace moescope
