#include "app/views/timeline.h"

#include "app/views/timeline_parts.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

TimelineCanvas make_canvas(const ViewContext &context, const TimelineState &state, ImVec2 low,
                           ImVec2 high) {
    TimelineCanvas canvas;
    canvas.gutter = state.gutter;
    canvas.low = {low.x + canvas.gutter, low.y};
    canvas.high = high;
    canvas.base = low.y;
    canvas.row_height = std::floor(18 * context.scale);
    canvas.range = state.range;
    canvas.draw = ImGui::GetWindowDrawList();
    canvas.mouse = ImGui::GetIO().MousePos;
    canvas.layouts = layout_tracks(state.model(), *context.session, state.notes,
                                   {canvas.row_height, 8 * context.scale, 34 * context.scale});
    // Pinned tracks leave room for others.
    canvas.layouts.pinned_height = std::min(canvas.layouts.pinned_height, (high.y - low.y) * 0.6f);
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
    state.scrollbar = width - inner;
    TimelineCanvas canvas =
        make_canvas(context, state, low, {low.x + inner, low.y + height - ruler});
    canvas.scroll = ImGui::GetScrollY();
    ImGui::SetCursorScreenPos({canvas.low.x, canvas.low.y - canvas.scroll});
    ImGui::InvisibleButton(
        "time", {std::max(1.0f, canvas.high.x - canvas.low.x),
                 std::max(canvas.layouts.pinned_height + canvas.layouts.content_height, height - ruler - 1)});
    canvas.hovered = ImGui::IsItemHovered() && canvas.mouse.y >= canvas.low.y;
    use_mouse(state, canvas);
    use_keys(state, canvas);
    canvas.draw->PushClipRect(top, canvas.high, false);
    draw_ruler(context, canvas, top.y);
    bool told = draw_bookmarks(context, state, canvas, top.y);
    canvas.draw->PopClipRect();
    draw_tracks(context, state, canvas);
    canvas.draw->PushClipRect({canvas.low.x, top.y}, canvas.high, false);
    told = draw_stretch(context, state, canvas, top.y) || told;
    if (!told)
        explain_ruler(context, canvas, top.y);
    canvas.draw->PopClipRect();
    canvas.draw->PushClipRect(top, canvas.high, false);
    draw_ruler_labels(context, canvas, top.y);
    canvas.draw->PopClipRect();
    draw_box(context, state, canvas);
    ImGui::EndChild();
    draw_cards(context, state, canvas);
}

bool draw_empty(const ViewContext &context, TimelineState &state) {
    const TimeSpan span = shown_span(context, state);
    if (!span.empty())
        return false;
    if (state.index.busy()) {
        ui::empty_state(context.theme, "One moment",
                        fmt::format("{} records are being put in order.",
                                    format_count(double(state.model().missing(*context.session)))));
        return true;
    }
    if (state.this_run && !state.model().extent().empty()) {
        if (ui::empty_state(context.theme, "No launches recorded",
                            "The run shown has no records of kernels or calls. Other runs of this "
                            "session have.",
                            "Show all runs")) {
            state.this_run = false;
            state.fit = true;
        }
    } else if (context.on_cpu)
        ui::empty_state(context.theme, "No launches recorded",
                        "On a CUDA device every kernel, call, copy and allocation is shown here on one time axis. The cpu "
                        "device has none to record.",
                        {{"Show a recording", context.recording(ViewId::Timeline)}});
    else
        ui::empty_state(context.theme, "No launches recorded",
                        "A run shows every kernel, call, copy and allocation on one time axis.",
                        {{"Run", context.run_plan}, {"Show a recording", context.recording(ViewId::Timeline)}});
    return true;
}

// Notes are the session's: another session has others.
void follow_notes(const ViewContext &context, TimelineState &state) {
    const std::string key = session_key(*context.session);
    if (state.notes.session == key)
        return;
    state.notes = notes_of(state.all_notes, key);
    state.stretch.reset();
    state.cards.clear();
    state.selected.reset();
}

void keep_changed_notes(TimelineState &state) {
    if (notes_of(state.all_notes, state.notes.session) != state.notes)
        keep_notes(state.all_notes, state.notes);
}

// A view that comes into sight after another measurement was selected opens on that one's records.
void follow_measurement(const ViewContext &context, TimelineState &state) {
    const int frame = ImGui::GetFrameCount();
    const bool appears = frame > std::exchange(state.last_frame, frame) + 1;
    const MeasurementId before =
        std::exchange(state.seen_measurement, context.selection.measurement);
    if (!appears || before == context.selection.measurement)
        return;
    if (const TimeSpan span = state.model().span_of(context.selection.measurement); !span.empty())
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
        state.selected = state.model().hit_of_kernel(*context.session, *context.selection.kernel);
}

} // namespace

TimeSpan shown_span(const ViewContext &context, const TimelineState &state) {
    if (!state.this_run)
        return state.model().extent();
    return state.model().span_of(*context.session, context.run);
}

TimeRange whole_range(const ViewContext &context, const TimelineState &state) {
    const TimeSpan span = shown_span(context, state);
    return {double(span.start_ns - state.model().origin_ns()),
            double(span.end_ns - state.model().origin_ns())};
}

void draw_timeline(const ViewContext &context, TimelineState &state) {
    state.index.update(context.session, state.query, context.wake);
    follow_notes(context, state);
    follow_selection(context, state);
    if (draw_empty(context, state))
        return;
    draw_timeline_toolbar(context, state);
    obey(context, state);
    const TimeRange whole = whole_range(context, state);
    if (std::exchange(state.fit, false))
        state.range = fitted_to(whole);
    state.range = kept_within(state.range, whole);
    const float line = ImGui::GetTextLineHeight();
    state.gutter = gutter_for_labels(context, state);
    draw_minimap(context, state, fitted_to(whole), state.gutter, std::floor(26 * context.scale));
    state.range = kept_within(state.range, whole);
    const float details = line * (state.stretch ? 10.5f : 6.5f);
    const float room = ImGui::GetContentRegionAvail().y - details - ImGui::GetStyle().ItemSpacing.y;
    state.hovered.reset();
    {
        const PlotArea area(context, "timeline", "What ran when", [&] {
            const auto at = [&](double ns) { return state.model().origin_ns() + std::int64_t(ns); };
            return timeline_csv(*context.session, at(state.range.start_ns), at(state.range.end_ns));
        });
        draw_canvas(context, state, std::max(room, 120 * context.scale));
    }
    if (state.stretch)
        draw_stretch_details(context, state);
    else
        draw_timeline_details(context, state);
    keep_changed_notes(state);
}

} // namespace moescope
