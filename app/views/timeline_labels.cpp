#include "app/views/timeline_parts.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

void draw_pin(ImDrawList &draw, ImVec2 centre, float size, ImU32 colour, bool filled) {
    const float r = size * 0.24f;
    const ImVec2 head{centre.x, centre.y - size * 0.12f};
    if (filled)
        draw.AddCircleFilled(head, r, colour);
    else
        draw.AddCircle(head, r, colour, 0, std::max(1.0f, size * 0.08f));
    draw.AddLine({head.x, head.y + r}, {head.x, centre.y + size * 0.38f}, colour, std::max(1.0f, size * 0.08f));
}

void draw_cross(ImDrawList &draw, ImVec2 centre, float size, ImU32 colour) {
    const float r = size * 0.22f, width = std::max(1.0f, size * 0.1f);
    draw.AddLine({centre.x - r, centre.y - r}, {centre.x + r, centre.y + r}, colour, width);
    draw.AddLine({centre.x - r, centre.y + r}, {centre.x + r, centre.y - r}, colour, width);
}

// One small mark at the right of a label. True when it was clicked.
template <typename Draw>
bool mark(const ViewContext &context, ImVec2 low, float size, const std::string &words, const Draw &draw) {
    const bool over = ImGui::IsMouseHoveringRect(low, {low.x + size, low.y + size});
    draw(ImVec2{low.x + size / 2, low.y + size / 2}, packed(over ? context.theme.text : context.theme.muted));
    if (over)
        ui::tooltip(words);
    return over && ImGui::IsWindowHovered() && ImGui::IsMouseClicked(ImGuiMouseButton_Left);
}

// Pins and hides a track; nothing but the pin of a pinned one while the pointer is elsewhere.
void draw_marks(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas,
                const TrackLayout &track, ImVec2 low, float line, bool over) {
    ImDrawList &draw = *canvas.draw;
    const float size = std::floor(line * 1.1f), right = canvas.low.x - line * 0.4f;
    if (!over) {
        if (track.pinned)
            draw_pin(draw, {right - size * 1.5f, low.y + size / 2}, size, packed(context.theme.muted), true);
        return;
    }
    if (mark(context, {right - 2 * size, low.y}, size, track.pinned ? "Let it scroll again." : "Keep it at the top.",
             [&](ImVec2 at, ImU32 colour) { draw_pin(draw, at, size, colour, track.pinned); }))
        set_held(state.notes.pinned, track.id, !track.pinned);
    if (mark(context, {right - size, low.y}, size,
             context.keys("Hide this track. {timeline.show_tracks}, or Tracks above, brings it back."),
             [&](ImVec2 at, ImU32 colour) { draw_cross(draw, at, size, colour); }))
        set_held(state.notes.hidden, track.id, true);
}

// Cut before the last word: the number there tells threads and streams apart.
std::string fitted_before_end(const std::string &label, float width) {
    const std::size_t space = label.rfind(' ');
    if (ImGui::CalcTextSize(label.c_str()).x <= width || space == std::string::npos)
        return ui::fitted(label, width);
    const std::string end = label.substr(space);
    const float room = width - ImGui::CalcTextSize(end.c_str()).x;
    return room > width / 3 ? ui::fitted(label.substr(0, space), room) + end : ui::fitted(label, width);
}

void draw_label(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas,
                const TrackLayout &track) {
    const float line = ImGui::GetTextLineHeight(), left = canvas.low.x - canvas.gutter;
    const float y = std::floor(canvas.y_of(track) + (canvas.row_height - line) / 2);
    const ImVec2 high{canvas.low.x, y + std::max(track.height, line)};
    const bool over = ImGui::IsWindowHovered() && ImGui::IsMouseHoveringRect({left, y}, high);
    const float marks = over ? line * 2.8f : track.pinned ? line * 2 : line * 0.5f;
    const std::string label = label_of(*context.session, track), shown = fitted_before_end(label, canvas.gutter - marks);
    canvas.draw->AddText({left, y}, packed(over ? context.theme.text : context.theme.muted), shown.c_str());
    draw_marks(context, state, canvas, track, {left, y}, line, over);
    if (!over || ImGui::GetIO().MousePos.x > canvas.low.x - line * 2.8f)
        return;
    if (track.counter)
        ui::tooltip(context.theme, Evidence::Measured, words_of(*context.session, *track.counter).explain);
    else if (track.rows->squeezed() > 0)
        ui::tooltip(context.theme, Evidence::Measured,
                    fmt::format("{} overlap more than {} others and are drawn later than they ran.",
                                format_count(double(track.rows->squeezed())), TimelineRows::kMostRows));
    else if (shown != label)
        ui::tooltip(label.c_str());
}

} // namespace

std::string label_of(const Session &session, const TrackLayout &track) {
    return track.key ? label_of(session, *track.key) : words_of(session, *track.counter).title;
}

float gutter_for_labels(const ViewContext &context, const TimelineState &state) {
    constexpr float kLeast = 128, kMost = 190;
    const ui::FontScope font(ui::small_font());
    float widest = 0;
    for (const TrackLayout &track : layout_tracks(state.model(), *context.session, state.notes, {1, 0, 1}).tracks)
        widest = std::max(widest, ImGui::CalcTextSize(label_of(*context.session, track).c_str()).x);
    return std::ceil(std::clamp(widest + ImGui::GetTextLineHeight(), kLeast * context.scale, kMost * context.scale));
}

void draw_labels(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas) {
    const float left = canvas.low.x - canvas.gutter;
    for (const bool pinned : {true, false}) {
        canvas.draw->PushClipRect({left, pinned ? canvas.low.y : canvas.scrolled_from()},
                                  {canvas.high.x, pinned ? canvas.scrolled_from() : canvas.high.y}, true);
        for (const TrackLayout &track : canvas.layouts.tracks)
            if (track.pinned == pinned && canvas.seen(track))
                draw_label(context, state, canvas, track);
        canvas.draw->PopClipRect();
    }
}

} // namespace moescope
