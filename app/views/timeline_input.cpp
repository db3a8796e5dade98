#include "app/views/timeline_parts.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <imgui_internal.h> // key owners: the wheel zooms and does not scroll the pane, Escape does not leave it

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr double kZoomStep = 0.8, kMoveStep = 0.08; // of what is in sight
// Of one frame with a key held: the first one after the window slept tells of all that time.
constexpr double kLongestFrame = 0.1;
constexpr float kClickSlack = 4;
// A match with less than this share of the width can hardly be seen, and gets as much as its name needs.
constexpr double kLeastShare = 0.01, kFoundShare = 0.2;

std::optional<TimeSpan> marked_item(const TimelineState &state) {
    const auto place = state.selected ? state.model().find(*state.selected) : std::nullopt;
    if (!place)
        return std::nullopt;
    const TimelineItem &item = state.model().tracks().at(state.selected->track).rows()[place->row][place->index];
    return TimeSpan{item.start_ns, item.end_ns};
}

void jump(const ViewContext &context, TimelineState &state, const std::optional<TimelineHit> &hit) {
    if (!hit)
        return;
    select(context, state, *hit);
    const TimeSpan shown = shown_span(context, state);
    if (hit->start_ns < shown.start_ns || hit->start_ns > shown.end_ns)
        state.this_run = false; // it is another run's
    const double at = double(hit->start_ns - state.model().origin_ns());
    const TimeSpan item = marked_item(state).value_or(TimeSpan{hit->start_ns, hit->start_ns});
    const double length = std::max(double(item.end_ns - item.start_ns), kLeastSpanNs);
    if (length < state.range.span() * kLeastShare)
        state.range = {at + length / 2 - length / kFoundShare / 2, at + length / 2 + length / kFoundShare / 2};
    else if (at < state.range.start_ns || at > state.range.end_ns)
        state.range = moved(state.range, at - (state.range.start_ns + state.range.end_ns) / 2);
}

std::int64_t search_from(const TimelineState &state, bool forward) {
    if (state.selected)
        return state.selected->start_ns;
    return forward ? state.model().extent().start_ns - 1 : state.model().extent().end_ns + 1;
}

// The time that the pointer is at, or the middle of what is in sight.
std::int64_t pointed_ns(const TimelineState &state) {
    return std::int64_t((state.range.start_ns + state.range.end_ns) / 2) + state.model().origin_ns();
}

std::optional<TimeSpan> marked_span(const TimelineState &state) {
    if (state.stretch)
        return TimeSpan{state.stretch->start_ns, state.stretch->end_ns};
    return marked_item(state);
}

// What is marked; all of it where nothing is, or where that is what is in sight.
void fit(TimelineState &state) {
    const auto span = marked_span(state);
    const TimeRange before = state.range;
    if (span)
        show_span(state, span->start_ns, span->end_ns);
    const double slack = before.span() * 0.01;
    const bool there = std::abs(before.start_ns - state.range.start_ns) < slack &&
                       std::abs(before.end_ns - state.range.end_ns) < slack;
    state.fit = !span || there;
}

void bookmark(TimelineState &state) {
    const std::int64_t origin = state.model().origin_ns();
    const auto span = marked_span(state);
    add_bookmark(state.notes, {span ? span->start_ns : pointed_ns(state),
                               std::int64_t(state.range.start_ns) + origin,
                               std::int64_t(state.range.end_ns) + origin,
                               {}});
}

void clear(const ViewContext &context, TimelineState &state) {
    // One thing at a time: what is being drawn with the mouse, then what was done latest.
    if (state.box_start)
        state.box_start.reset();
    else if (state.measure_from) {
        state.measure_from.reset();
        state.stretch.reset();
    } else if (!state.cards.empty())
        state.cards.pop_back();
    else if (state.stretch)
        state.stretch.reset();
    else if (state.selected) {
        state.selected.reset();
        context.selection.kernel = state.seen_kernel = std::nullopt;
    } else
        state.query.clear();
}

void keep_card(TimelineState &state) {
    const auto &hit = state.hovered ? state.hovered : state.selected;
    const auto same = [&](const TimelineCard &card) { return card.hit == *hit; };
    if (hit && std::erase_if(state.cards, same) == 0)
        state.cards.push_back({*hit, {24, 28}});
}

void move_by(TimelineState &state, double share) { state.range = moved(state.range, share * state.range.span()); }

void zoom_by(TimelineState &state, double factor) {
    const double middle = (state.range.start_ns + state.range.end_ns) / 2;
    state.range = zoomed_about(state.range, state.pointer_ns.value_or(middle), factor);
}

// Held after the frame that saw it go down: what that one does is a command.
bool held_on(const Shortcut &keys) {
    const ImGuiIO &io = ImGui::GetIO();
    return !keys.empty() && ImGui::IsKeyDown(keys.key) && !ImGui::IsKeyPressed(keys.key, false) && io.KeyCtrl == keys.ctrl &&
           io.KeyAlt == keys.alt && (io.KeyShift || !keys.shift);
}

void move_while_held(TimelineState &state) {
    const double seconds = std::min(double(ImGui::GetIO().DeltaTime), kLongestFrame);
    const double share = seconds * 1.2, zoom = std::pow(0.08, seconds);
    if (held_on(state.keys.left))
        move_by(state, -share);
    if (held_on(state.keys.right))
        move_by(state, share);
    if (held_on(state.keys.in))
        zoom_by(state, zoom);
    if (held_on(state.keys.out))
        zoom_by(state, 1 / zoom);
}

void show_bookmark(TimelineState &state, const std::optional<std::size_t> &index) {
    if (index)
        go_to(state, state.notes.bookmarks[*index]);
}

} // namespace

// The next match, starting over at the end.
void jump_next(const ViewContext &context, TimelineState &state) {
    const auto hit = state.model().match_after(search_from(state, true));
    jump(context, state, hit ? hit : state.model().match_after(state.model().extent().start_ns - 1));
}

void jump_previous(const ViewContext &context, TimelineState &state) {
    const auto hit = state.model().match_before(search_from(state, false));
    jump(context, state, hit ? hit : state.model().match_before(state.model().extent().end_ns + 1));
}

void go_to(TimelineState &state, const TimelineBookmark &bookmark) {
    const std::int64_t origin = state.model().origin_ns();
    state.range = {double(bookmark.start_ns - origin), double(bookmark.end_ns - origin)};
    state.fit = false;
}

void show(TimelineState &state, const TimeSpan &span) {
    if (!span.empty())
        show_span(state, span.start_ns, span.end_ns);
}

void obey(const ViewContext &context, TimelineState &state) {
    const auto asked = std::exchange(state.asked, std::nullopt);
    if (!asked)
        return;
    switch (*asked) {
    case TimelineCommand::MoveLeft:
        return move_by(state, -kMoveStep);
    case TimelineCommand::MoveRight:
        return move_by(state, kMoveStep);
    case TimelineCommand::ZoomIn:
        return zoom_by(state, kZoomStep);
    case TimelineCommand::ZoomOut:
        return zoom_by(state, 1 / kZoomStep);
    case TimelineCommand::Fit:
        return fit(state);
    case TimelineCommand::FitAll:
        state.fit = true;
        return;
    case TimelineCommand::AllRuns:
        state.this_run = !state.this_run;
        state.fit = true;
        return;
    case TimelineCommand::Measurement:
        return show(state, state.model().span_of(context.selection.measurement));
    case TimelineCommand::Samples:
        return show(state, sampled_span(context, state));
    case TimelineCommand::Search:
        state.focus_search = true;
        return;
    case TimelineCommand::NextMatch:
        return jump_next(context, state);
    case TimelineCommand::PreviousMatch:
        return jump_previous(context, state);
    case TimelineCommand::Bookmark:
        return bookmark(state);
    case TimelineCommand::NextBookmark:
        return show_bookmark(state, bookmark_after(state.notes, pointed_ns(state)));
    case TimelineCommand::PreviousBookmark:
        return show_bookmark(state, bookmark_before(state.notes, pointed_ns(state)));
    case TimelineCommand::KeepTooltip:
        return keep_card(state);
    case TimelineCommand::Arrows:
        state.arrows = !state.arrows;
        return;
    case TimelineCommand::ShowAllTracks:
        state.notes.hidden.clear();
        return;
    case TimelineCommand::Clear:
        return clear(context, state);
    }
}

void use_mouse(TimelineState &state, TimelineCanvas &canvas) {
    const ImGuiIO &io = ImGui::GetIO();
    state.pointer_ns = canvas.hovered ? std::optional(canvas.time_at(canvas.mouse.x)) : std::nullopt;
    ImGui::SetItemKeyOwner(ImGuiKey_MouseWheelY);
    if (canvas.hovered && io.MouseWheel != 0) {
        if (io.KeyShift)
            ImGui::SetScrollY(ImGui::GetScrollY() - io.MouseWheel * canvas.row_height * 3);
        else
            state.range = zoomed_about(state.range, canvas.time_at(io.MousePos.x),
                                       std::pow(kZoomStep, double(io.MouseWheel)));
    }
    measure_with_mouse(state, canvas);
    const bool measuring = state.measure_from.has_value();
    if (!measuring && ImGui::IsItemActive() && ImGui::IsMouseDragging(ImGuiMouseButton_Left, kClickSlack)) {
        state.range = moved(state.range, -double(io.MouseDelta.x) * canvas.pixel_ns());
        ImGui::SetScrollY(ImGui::GetScrollY() - io.MouseDelta.y);
    }
    if (canvas.hovered && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left))
        state.fit = true;
    const ImVec2 dragged = ImGui::GetMouseDragDelta(ImGuiMouseButton_Left, kClickSlack);
    canvas.clicked = canvas.hovered && !io.KeyShift && ImGui::IsMouseReleased(ImGuiMouseButton_Left) &&
                     dragged.x == 0 && dragged.y == 0;
    if (canvas.hovered && ImGui::IsMouseClicked(ImGuiMouseButton_Right))
        state.box_start = io.MousePos;
}

// Right drag: a stretch of time to zoom on.
void draw_box(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas) {
    if (!state.box_start)
        return;
    const float a =
        std::clamp(std::min(state.box_start->x, canvas.mouse.x), canvas.low.x, canvas.high.x);
    const float b =
        std::clamp(std::max(state.box_start->x, canvas.mouse.x), canvas.low.x, canvas.high.x);
    if (ImGui::IsMouseDown(ImGuiMouseButton_Right)) {
        canvas.draw->AddRectFilled({a, canvas.low.y}, {b, canvas.high.y},
                                   packed(context.theme.accent, 0.15f));
        ui::tooltip(format_duration_ns(canvas.time_at(b) - canvas.time_at(a)));
        return;
    }
    if (b - a > kClickSlack)
        state.range = {canvas.time_at(a), canvas.time_at(b)};
    state.box_start.reset();
}

void use_keys(TimelineState &state, const TimelineCanvas &canvas) {
    if (!ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows) && !canvas.hovered)
        return;
    if (ImGui::IsPopupOpen(nullptr, ImGuiPopupFlags_AnyPopup)) // the keys are its own
        return;
    const ImGuiIO &io = ImGui::GetIO();
    if (io.KeyCtrl && ImGui::IsKeyPressed(ImGuiKey_F, false))
        state.asked = TimelineCommand::Search;
    if (io.WantTextInput || io.KeySuper)
        return;
    move_while_held(state);
    if (io.KeyCtrl || io.KeyAlt)
        return;
    struct Key {
        ImGuiKey key;
        TimelineCommand plain, shifted;
    };
    constexpr Key kKeys[] = {
        {ImGuiKey_A, TimelineCommand::MoveLeft, TimelineCommand::MoveLeft},
        {ImGuiKey_D, TimelineCommand::MoveRight, TimelineCommand::MoveRight},
        {ImGuiKey_W, TimelineCommand::ZoomIn, TimelineCommand::ZoomIn},
        {ImGuiKey_S, TimelineCommand::ZoomOut, TimelineCommand::ZoomOut},
        {ImGuiKey_F, TimelineCommand::Fit, TimelineCommand::FitAll},
        {ImGuiKey_Slash, TimelineCommand::Search, TimelineCommand::Search},
        {ImGuiKey_N, TimelineCommand::NextMatch, TimelineCommand::PreviousMatch},
        {ImGuiKey_B, TimelineCommand::Bookmark, TimelineCommand::Bookmark},
        {ImGuiKey_RightBracket, TimelineCommand::NextBookmark, TimelineCommand::NextBookmark},
        {ImGuiKey_LeftBracket, TimelineCommand::PreviousBookmark, TimelineCommand::PreviousBookmark},
        {ImGuiKey_T, TimelineCommand::KeepTooltip, TimelineCommand::KeepTooltip},
        {ImGuiKey_L, TimelineCommand::Arrows, TimelineCommand::Arrows},
        {ImGuiKey_H, TimelineCommand::ShowAllTracks, TimelineCommand::ShowAllTracks}};
    for (const Key &each : kKeys)
        if (state.own_keys && ImGui::IsKeyPressed(each.key, false))
            state.asked = io.KeyShift ? each.shifted : each.plain;
    // Escape is the timeline's own from the frame before on: one that closes a popup takes nothing back here,
    // and one that does takes the focus nowhere.
    const ImGuiID owner = ImGui::GetID("keys");
    if (ImGui::GetKeyOwner(ImGuiKey_Escape) == owner && ImGui::IsKeyPressed(ImGuiKey_Escape, false))
        state.asked = TimelineCommand::Clear;
    ImGui::SetKeyOwner(ImGuiKey_Escape, owner);
}

} // namespace moescope
