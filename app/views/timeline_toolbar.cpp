#include "app/views/timeline_parts.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>
#include <misc/cpp/imgui_stdlib.h>

#include <algorithm>

namespace moescope {

namespace {

// On the line that is begun where there is room for it, otherwise on the next one.
bool flowing_button(const char *label) {
    ImGui::SameLine();
    const float width = ImGui::CalcTextSize(label, nullptr, true).x + 2 * ImGui::GetStyle().FramePadding.x;
    if (ImGui::GetContentRegionAvail().x < width)
        ImGui::NewLine();
    return ImGui::Button(label);
}

// "3 of 1,115 matches" where one is selected.
std::string matches_text(const TimelineState &state) {
    const std::size_t matches = state.model().matches();
    const std::string all =
        fmt::format("{} match{}", format_count(double(matches)), matches == 1 ? "" : "es");
    const auto place = state.selected ? state.model().find(*state.selected) : std::nullopt;
    if (!place || !state.model().tracks().at(state.selected->track).rows()[place->row][place->index].match)
        return all;
    return fmt::format("{} of {}", format_count(double(state.model().matches_until(state.selected->start_ns))), all);
}

void draw_search(const ViewContext &context, TimelineState &state) {
    ImGui::SetNextItemWidth(180 * context.scale);
    if (std::exchange(state.focus_search, false)) {
        ImGui::SetWindowFocus(); // the request stays within the focus scope: leave the tracks' one
        ImGui::SetKeyboardFocusHere();
    }
    const bool entered = ImGui::InputTextWithHint("##search", context.keys("Search  {timeline.search}").c_str(), &state.query,
                                                  ImGuiInputTextFlags_EnterReturnsTrue |
                                                      ImGuiInputTextFlags_EscapeClearsAll);
    if (ImGui::IsItemHovered(ImGuiHoveredFlags_NoNavOverride)) // not all the time that it has the keys
        ui::explain(context.keys("Part of a kernel's, call's or operator's name. Enter or {timeline.next_match}: the "
                                 "next match; {timeline.previous_match}: the previous one."));
    if (entered) // and leaves the field: N goes on from there
        jump_next(context, state);
    if (state.query.empty())
        return;
    ImGui::SameLine();
    if (ImGui::ArrowButton("previous", ImGuiDir_Left))
        jump_previous(context, state);
    ImGui::SameLine();
    if (ImGui::ArrowButton("next", ImGuiDir_Right))
        jump_next(context, state);
    ImGui::SameLine();
    ui::text(matches_text(state), context.theme.muted);
}

void draw_sample_button(const ViewContext &context, TimelineState &state) {
    if (sampled_span(context, state).empty())
        return;
    if (flowing_button("Go to samples"))
        state.asked = TimelineCommand::Samples;
    ui::explain("Show the launches during which counters were sampled: the selected measurement's, or the first.");
}

void draw_track_choice(const ViewContext &context, TimelineState &state) {
    const TrackLayouts all = layout_tracks(state.model(), *context.session, {}, {1, 0, 1});
    ImGui::BeginDisabled(state.notes.hidden.empty());
    if (ImGui::MenuItem("Show all", context.keys("{timeline.show_tracks}").c_str()))
        state.asked = TimelineCommand::ShowAllTracks;
    ImGui::EndDisabled();
    ImGui::Separator();
    if (!ImGui::BeginTable("tracks", 2))
        return;
    for (const TrackLayout &track : all.tracks) {
        ImGui::TableNextColumn();
        ImGui::PushID(track.id.c_str());
        bool shown = !holds(state.notes.hidden, track.id), pinned = holds(state.notes.pinned, track.id);
        if (ImGui::Checkbox(label_of(*context.session, track).c_str(), &shown))
            set_held(state.notes.hidden, track.id, !shown);
        ImGui::TableNextColumn();
        if (ImGui::Checkbox("Pinned", &pinned))
            set_held(state.notes.pinned, track.id, pinned);
        ui::explain("Stays at the top while the others scroll.");
        ImGui::PopID();
    }
    ImGui::EndTable();
}

void draw_bookmark_choice(const ViewContext &context, TimelineState &state) {
    if (ImGui::MenuItem("Add one here", context.keys("{timeline.bookmark}").c_str()))
        state.asked = TimelineCommand::Bookmark;
    if (state.notes.bookmarks.empty()) {
        ui::small("At what is measured or selected, otherwise in the middle. Kept with the settings.",
                  context.theme.muted);
        return;
    }
    ImGui::Separator();
    std::optional<std::size_t> gone;
    for (std::size_t i = 0; i < state.notes.bookmarks.size(); ++i) {
        TimelineBookmark &bookmark = state.notes.bookmarks[i];
        ImGui::PushID(int(i));
        ImGui::SetNextItemWidth(160 * context.scale);
        ImGui::InputText("##label", &bookmark.label);
        ImGui::SameLine();
        ui::text(format_moment(double(bookmark.time_ns - state.model().origin_ns()),
                               double(bookmark.end_ns - bookmark.start_ns) / 1000),
                 context.theme.muted);
        ui::explain("Its time after the first record.");
        ImGui::SameLine(280 * context.scale);
        if (ImGui::SmallButton("Go there"))
            go_to(state, bookmark);
        ImGui::SameLine();
        if (ImGui::SmallButton("Delete"))
            gone = i;
        ImGui::PopID();
    }
    if (gone)
        state.notes.bookmarks.erase(state.notes.bookmarks.begin() + std::ptrdiff_t(*gone));
}

void draw_choices(const ViewContext &context, TimelineState &state) {
    const std::size_t hidden = state.notes.hidden.size();
    if (flowing_button(hidden ? fmt::format("Tracks ({} hidden)###tracks", hidden).c_str() : "Tracks###tracks"))
        ImGui::OpenPopup("tracks");
    ui::explain("Which tracks are shown, and which stay at the top.");
    if (ImGui::BeginPopup("tracks")) {
        draw_track_choice(context, state);
        ImGui::EndPopup();
    }
    if (flowing_button("Bookmarks"))
        ImGui::OpenPopup("bookmarks");
    ui::explain(context.keys("Places of this session. {timeline.bookmark} adds one, {timeline.previous_bookmark} and "
                             "{timeline.next_bookmark} go from one to the next."));
    if (ImGui::BeginPopup("bookmarks")) {
        draw_bookmark_choice(context, state);
        ImGui::EndPopup();
    }
    if (state.arrows)
        ImGui::PushStyleColor(ImGuiCol_Text, context.theme.accent);
    const bool was = state.arrows;
    if (flowing_button("Arrows"))
        state.asked = TimelineCommand::Arrows;
    if (was)
        ImGui::PopStyleColor();
    ui::explain(state.arrows && state.all_arrows.too_many
                    ? "Zoom in: too many launches are in sight for their arrows to say anything."
                    : context.keys("From every launch in sight to its kernel, while there are few enough ({timeline.arrows})."));
}

} // namespace

void draw_timeline_toolbar(const ViewContext &context, TimelineState &state) {
    if (ImGui::RadioButton("This run", state.this_run))
        state.fit = state.this_run = true;
    ImGui::SameLine();
    if (ImGui::RadioButton("All", !state.this_run)) {
        state.this_run = false;
        state.fit = true;
    }
    if (flowing_button("Fit"))
        state.asked = TimelineCommand::FitAll;
    ui::explain(context.keys("Show all of it ({timeline.fit_all}, or a double click). {timeline.fit} shows what is "
                             "measured or selected."));
    ImGui::BeginDisabled(state.model().span_of(context.selection.measurement).empty());
    if (flowing_button("Go to measurement"))
        state.asked = TimelineCommand::Measurement;
    ImGui::EndDisabled();
    ui::explain(context.keys("Show the selected measurement's records ({timeline.measurement})."));
    draw_sample_button(context, state);
    draw_choices(context, state);
    // On its own line where the pane is narrow, as it is between the side panes: the matches stand beside it.
    ImGui::SameLine(0, 16 * context.scale);
    if (ImGui::GetContentRegionAvail().x < 420 * context.scale)
        ImGui::NewLine();
    draw_search(context, state);
}

} // namespace moescope
