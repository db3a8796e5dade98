#include "app/views/timeline.h"

#include "app/views/timeline_parts.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>
#include <imgui_internal.h> // SetItemKeyOwner: the wheel zooms and does not scroll the pane
#include <misc/cpp/imgui_stdlib.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr double kZoomStep = 0.8;
constexpr float kClickSlack = 4;

TimeSpan shown_span(const ViewContext &context, const TimelineState &state) {
    if (!state.this_run)
        return state.model.extent();
    return state.model.span_of(*context.session, context.run);
}

TimeRange whole_range(const TimelineState &state, const TimeSpan &span) {
    return {double(span.start_ns - state.model.origin_ns()),
            double(span.end_ns - state.model.origin_ns())};
}

void jump(const ViewContext &context, TimelineState &state, const std::optional<TimelineHit> &hit) {
    if (!hit)
        return;
    select(context, state, *hit);
    const double at = double(hit->start_ns - state.model.origin_ns());
    if (at < state.range.start_ns || at > state.range.end_ns)
        state.range = moved(state.range, at - (state.range.start_ns + state.range.end_ns) / 2);
}

std::int64_t search_from(const TimelineState &state, bool forward) {
    if (state.selected)
        return state.selected->start_ns;
    return forward ? state.model.extent().start_ns - 1 : state.model.extent().end_ns + 1;
}

// The next match, starting over at the end.
void jump_next(const ViewContext &context, TimelineState &state) {
    const auto hit = state.model.match_after(search_from(state, true));
    jump(context, state, hit ? hit : state.model.match_after(state.model.extent().start_ns - 1));
}
void jump_previous(const ViewContext &context, TimelineState &state) {
    const auto hit = state.model.match_before(search_from(state, false));
    jump(context, state, hit ? hit : state.model.match_before(state.model.extent().end_ns + 1));
}

void draw_search(const ViewContext &context, TimelineState &state) {
    ImGui::SetNextItemWidth(180 * context.scale);
    if (std::exchange(state.focus_search, false)) {
        ImGui::SetWindowFocus(); // the request stays within the focus scope: leave the tracks' one
        ImGui::SetKeyboardFocusHere();
    }
    const bool entered = ImGui::InputTextWithHint("##search", "Search  /", &state.query,
                                                  ImGuiInputTextFlags_EnterReturnsTrue |
                                                      ImGuiInputTextFlags_EscapeClearsAll);
    ui::explain(
        "Part of a kernel's, call's or operator's name. Enter or N: the next match; Shift N: the "
        "previous one.");
    state.model.search(*context.session, state.query);
    if (entered) {
        jump_next(context, state);
        state.focus_search = true;
    }
    if (state.query.empty())
        return;
    ImGui::SameLine();
    if (ImGui::ArrowButton("previous", ImGuiDir_Left))
        jump_previous(context, state);
    ImGui::SameLine();
    if (ImGui::ArrowButton("next", ImGuiDir_Right))
        jump_next(context, state);
    ImGui::SameLine();
    const std::size_t matches = state.model.matches();
    ui::text(fmt::format("{} match{}", format_count(double(matches)), matches == 1 ? "" : "es"),
             context.theme.muted);
}

// The selected measurement's sampled launches, or the first ones: they are short, and at the run's end.
void draw_sample_button(const ViewContext &context, TimelineState &state) {
    TimeSpan span = state.model.sampled_span_of(context.selection.measurement);
    if (span.empty())
        if (const auto stretch = state.model.counters().stretch_after(shown_span(context, state).start_ns))
            span.add(stretch->first, stretch->second);
    if (span.empty())
        return;
    ImGui::SameLine();
    if (ImGui::Button("Go to samples"))
        show_span(state, span.start_ns, span.end_ns);
    ui::explain("Show the launches during which counters were sampled: the selected measurement's, or the first.");
}

void draw_toolbar(const ViewContext &context, TimelineState &state) {
    if (ImGui::RadioButton("This run", state.this_run))
        state.fit = state.this_run = true;
    ImGui::SameLine();
    if (ImGui::RadioButton("All", !state.this_run)) {
        state.this_run = false;
        state.fit = true;
    }
    ImGui::SameLine(0, 16 * context.scale);
    if (ImGui::Button("Fit"))
        state.fit = true;
    ui::explain("Show all of it (F, or a double click).");
    ImGui::SameLine();
    const TimeSpan span = state.model.span_of(context.selection.measurement);
    ImGui::BeginDisabled(span.empty());
    if (ImGui::Button("Go to measurement"))
        show_span(state, span.start_ns, span.end_ns);
    ImGui::EndDisabled();
    ui::explain("Show the selected measurement's records.");
    draw_sample_button(context, state);
    // On its own line where the pane is narrow, as it is between the side panes.
    if (ImGui::GetContentRegionAvail().x >= 720 * context.scale)
        ImGui::SameLine(0, 16 * context.scale);
    draw_search(context, state);
}

void use_mouse(TimelineState &state, TimelineCanvas &canvas) {
    const ImGuiIO &io = ImGui::GetIO();
    if (canvas.hovered && io.MouseWheel != 0) {
        if (io.KeyShift)
            ImGui::SetScrollY(ImGui::GetScrollY() - io.MouseWheel * canvas.row_height * 3);
        else
            state.range = zoomed_about(state.range, canvas.time_at(io.MousePos.x),
                                       std::pow(kZoomStep, double(io.MouseWheel)));
    }
    const double pixel_ns = state.range.span() / double(canvas.high.x - canvas.low.x);
    if (ImGui::IsItemActive() && ImGui::IsMouseDragging(ImGuiMouseButton_Left, kClickSlack)) {
        state.range = moved(state.range, -double(io.MouseDelta.x) * pixel_ns);
        ImGui::SetScrollY(ImGui::GetScrollY() - io.MouseDelta.y);
    }
    if (canvas.hovered && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left))
        state.fit = true;
    const ImVec2 dragged = ImGui::GetMouseDragDelta(ImGuiMouseButton_Left, kClickSlack);
    canvas.clicked = canvas.hovered && ImGui::IsMouseReleased(ImGuiMouseButton_Left) &&
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

void use_keys(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas) {
    if (!ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows) && !canvas.hovered)
        return;
    const ImGuiIO &io = ImGui::GetIO();
    if (io.KeyCtrl && ImGui::IsKeyPressed(ImGuiKey_F, false))
        state.focus_search = true;
    if (io.WantTextInput || io.KeyCtrl || io.KeyAlt || io.KeySuper)
        return;
    const double step = double(io.DeltaTime) * state.range.span() * 1.2;
    const double zoom = std::pow(0.08, double(io.DeltaTime));
    const double about = canvas.hovered ? canvas.time_at(canvas.mouse.x)
                                        : (state.range.start_ns + state.range.end_ns) / 2;
    if (ImGui::IsKeyDown(ImGuiKey_A))
        state.range = moved(state.range, -step);
    if (ImGui::IsKeyDown(ImGuiKey_D))
        state.range = moved(state.range, step);
    if (ImGui::IsKeyDown(ImGuiKey_W))
        state.range = zoomed_about(state.range, about, zoom);
    if (ImGui::IsKeyDown(ImGuiKey_S))
        state.range = zoomed_about(state.range, about, 1 / zoom);
    if (ImGui::IsKeyPressed(ImGuiKey_F, false))
        state.fit = true;
    if (ImGui::IsKeyPressed(ImGuiKey_Slash, false))
        state.focus_search = true;
    if (ImGui::IsKeyPressed(ImGuiKey_N, false) && !state.query.empty())
        io.KeyShift ? jump_previous(context, state) : jump_next(context, state);
}

TimelineCanvas make_canvas(const ViewContext &context, const TimelineState &state, ImVec2 low,
                           ImVec2 high) {
    TimelineCanvas canvas;
    canvas.gutter = 128 * context.scale;
    canvas.low = {low.x + canvas.gutter, low.y};
    canvas.high = high;
    canvas.row_height = std::floor(18 * context.scale);
    canvas.range = state.range;
    canvas.draw = ImGui::GetWindowDrawList();
    canvas.mouse = ImGui::GetIO().MousePos;
    canvas.tracks = layout_tracks(state.model, canvas.row_height, 8 * context.scale,
                                  40 * context.scale, 34 * context.scale, canvas.content_height);
    return canvas;
}

void draw_canvas(const ViewContext &context, TimelineState &state, float height) {
    const ui::FontScope font(ui::small_font());
    const float ruler = ImGui::GetTextLineHeight() * 1.4f;
    const ImVec2 top = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x;
    ImGui::Dummy({width, ruler});
    ImGui::SetCursorScreenPos({top.x, top.y + ruler});
    ImGui::BeginChild("tracks", {width, height - ruler}, 0,
                      ImGuiWindowFlags_NoScrollWithMouse | ImGuiWindowFlags_NoMove);
    const ImVec2 low = ImGui::GetWindowPos();
    const float inner = ImGui::GetContentRegionAvail().x;
    TimelineCanvas canvas =
        make_canvas(context, state, low, {low.x + inner, low.y + height - ruler});
    canvas.scroll = ImGui::GetScrollY();
    ImGui::SetCursorScreenPos({canvas.low.x, canvas.low.y - canvas.scroll});
    ImGui::InvisibleButton("time", {std::max(1.0f, canvas.high.x - canvas.low.x),
                                    std::max(canvas.content_height, height - ruler - 1)});
    canvas.hovered = ImGui::IsItemHovered() && canvas.mouse.y >= canvas.low.y;
    ImGui::SetItemKeyOwner(ImGuiKey_MouseWheelY);
    use_mouse(state, canvas);
    use_keys(context, state, canvas);
    canvas.draw->PushClipRect(top, canvas.high, false);
    draw_ruler(context, canvas, top.y);
    canvas.draw->PopClipRect();
    draw_tracks(context, state, canvas);
    draw_box(context, state, canvas);
    ImGui::EndChild();
}

bool draw_empty(const ViewContext &context, TimelineState &state) {
    const TimeSpan span = shown_span(context, state);
    if (!span.empty())
        return false;
    if (state.this_run && !state.model.extent().empty()) {
        if (ui::empty_state(context.theme, "No launches recorded",
                            "The run shown has no records of kernels or calls. Other runs of this "
                            "session have.",
                            "Show all runs")) {
            state.this_run = false;
            state.fit = true;
        }
    } else if (ui::empty_state(
                   context.theme, "No launches recorded",
                   "Run on a CUDA device with capture on to see every kernel, call, copy and "
                   "allocation on one time axis. The cpu device has none to record.",
                   "Run")) {
        context.run_plan();
    }
    return true;
}

// A view that comes into sight after another measurement was selected opens on that one's records.
void follow_measurement(const ViewContext &context, TimelineState &state) {
    const int frame = ImGui::GetFrameCount();
    const bool appears = frame > std::exchange(state.last_frame, frame) + 1;
    const MeasurementId before =
        std::exchange(state.seen_measurement, context.selection.measurement);
    if (!appears || before == context.selection.measurement)
        return;
    if (const TimeSpan span = state.model.span_of(context.selection.measurement); !span.empty())
        show_span(state, span.start_ns, span.end_ns);
}

// A kernel or run chosen elsewhere.
void follow_selection(const ViewContext &context, TimelineState &state) {
    if (state.shown_run != context.run) {
        state.shown_run = context.run;
        state.fit = true;
    }
    follow_measurement(context, state);
    if (context.selection.kernel == state.seen_kernel)
        return;
    state.seen_kernel = context.selection.kernel;
    if (context.selection.kernel)
        state.selected = state.model.hit_of_kernel(*context.session, *context.selection.kernel);
}

} // namespace

void draw_timeline(const ViewContext &context, TimelineState &state) {
    state.model.update(*context.session);
    follow_selection(context, state);
    if (draw_empty(context, state))
        return;
    draw_toolbar(context, state);
    const TimeRange whole = whole_range(state, shown_span(context, state));
    if (std::exchange(state.fit, false))
        state.range = fitted_to(whole);
    state.range = kept_within(state.range, whole);
    const float details = ImGui::GetTextLineHeight() * 5.5f;
    const float room = ImGui::GetContentRegionAvail().y - details - ImGui::GetStyle().ItemSpacing.y;
    draw_canvas(context, state, std::max(room, 120 * context.scale));
    draw_timeline_details(context, state);
}

} // namespace moescope
