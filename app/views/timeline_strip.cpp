// The minimap and the bookmarks' flags: where one is in all of the time.
#include "app/views/timeline_parts.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

void fill(TimelineState &state, TimeRange whole, int columns) {
    auto &map = state.minimap;
    const auto model = state.index.share();
    if (map.model == model && map.whole == whole && map.columns.size() == std::size_t(columns))
        return;
    map.model = model;
    map.whole = whole;
    map.columns = minimap_of(*model, whole, columns);
}

void use_strip(const Theme &theme, TimelineState &state, TimeRange whole, float left, float width) {
    auto &map = state.minimap;
    const ImGuiIO &io = ImGui::GetIO();
    const double pixel_ns = whole.span() / double(width);
    const double at = whole.start_ns + double(io.MousePos.x - left) * pixel_ns;
    const MinimapGrip over = grip_at(whole, state.range, at, 5 * pixel_ns);
    if (ImGui::IsItemActivated()) {
        map.grip = over;
        map.drawn_from = at;
        if (over == MinimapGrip::Middle && (at < state.range.start_ns || at > state.range.end_ns))
            state.range = moved(state.range, at - (state.range.start_ns + state.range.end_ns) / 2);
    }
    if (ImGui::IsItemActive() && map.grip == MinimapGrip::New) {
        if (ImGui::IsMouseDragging(ImGuiMouseButton_Left))
            state.range = drawn(whole, map.drawn_from, at, kLeastSpanNs);
    } else if (ImGui::IsItemActive() && io.MouseDelta.x != 0)
        state.range = dragged(state.range, map.grip, double(io.MouseDelta.x) * pixel_ns, kLeastSpanNs);
    if (ImGui::IsItemHovered() && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left))
        state.fit = true;
    const MinimapGrip grip = ImGui::IsItemActive() ? map.grip : over;
    if ((ImGui::IsItemHovered() || ImGui::IsItemActive()) && (grip == MinimapGrip::Start || grip == MinimapGrip::End))
        ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
    if (ImGui::IsItemHovered() && !ImGui::IsItemActive())
        ui::tooltip(theme, Evidence::Measured,
                    fmt::format("{} in sight of {}. Each column is as high as the device was busy, by its records.\n"
                                "{}",
                                format_duration_ns(state.range.span()), format_duration_ns(whole.span()),
                                over == MinimapGrip::New ? "Drag over a part of it to zoom there."
                                                         : "Drag the frame or its edges, or click to go there."));
}

} // namespace

void draw_minimap(const ViewContext &context, TimelineState &state, TimeRange whole, float gutter, float height) {
    const ImVec2 top = ImGui::GetCursorScreenPos();
    const float width = std::floor(std::max(8.0f, ImGui::GetContentRegionAvail().x - gutter - state.scrollbar));
    const float left = top.x + gutter, bottom = top.y + height;
    fill(state, whole, int(width));
    ImGui::SetCursorScreenPos({left, top.y});
    ImGui::InvisibleButton("minimap", {width, height});
    use_strip(context.theme, state, whole, left, width);
    ui::note_chart("minimap", ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
    ImDrawList &draw = *ImGui::GetWindowDrawList();
    const Theme &theme = context.theme;
    draw.AddRectFilled({left, top.y}, {left + width, bottom}, packed(theme.surface));
    for (std::size_t i = 0; i < state.minimap.columns.size(); ++i) {
        const MinimapColumn &column = state.minimap.columns[i];
        if (column.busy <= 0)
            continue;
        const float x = left + float(i);
        const ImVec4 colour = column.slot < theme.series.size() ? theme.series[column.slot] : theme.muted;
        draw.AddRectFilled({x, bottom - std::max(1.0f, column.busy * (height - 2))}, {x + 1, bottom}, packed(colour, 0.8f));
    }
    const auto x_of = [&](double time) {
        return std::clamp(left + float((time - whole.start_ns) / whole.span()) * width, left, left + width);
    };
    const std::int64_t origin = state.model().origin_ns();
    for (const TimelineBookmark &bookmark : state.notes.bookmarks) {
        const float x = std::floor(x_of(double(bookmark.time_ns - origin)));
        draw.AddRectFilled({x, top.y}, {x + std::max(1.0f, context.scale), bottom}, packed(theme.accent));
    }
    const float low = x_of(state.range.start_ns), high = std::max(x_of(state.range.end_ns), low + 2);
    draw.AddRectFilled({left, top.y}, {low, bottom}, packed(theme.background, 0.6f));
    draw.AddRectFilled({high, top.y}, {left + width, bottom}, packed(theme.background, 0.6f));
    draw.AddRect({low, top.y}, {high, bottom}, packed(theme.text, 0.7f), 0, 0, std::max(1.0f, context.scale));
    const ui::FontScope font(ui::small_font());
    draw.AddText({top.x, std::floor(top.y + (height - ImGui::GetTextLineHeight()) / 2)}, packed(theme.muted), "All of it");
}

bool draw_bookmarks(const ViewContext &context, TimelineState &state, TimelineCanvas &canvas, float ruler_top) {
    bool over = false;
    const float line = ImGui::GetTextLineHeight(), pad = std::floor(line * 0.25f);
    const std::int64_t origin = state.model().origin_ns();
    for (const TimelineBookmark &bookmark : state.notes.bookmarks) {
        const double time = double(bookmark.time_ns - origin);
        if (time < canvas.range.start_ns || time > canvas.range.end_ns)
            continue;
        const float x = std::floor(canvas.x_of(time)) + 0.5f;
        const std::string label = ui::fitted(bookmark.label, line * 8);
        const ImVec2 low{x, ruler_top}, high{x + ImGui::CalcTextSize(label.c_str()).x + 2 * pad, ruler_top + line};
        canvas.draw->AddLine({x, ruler_top}, {x, canvas.high.y}, packed(context.theme.accent, 0.6f), context.scale);
        canvas.draw->AddRectFilled(low, high, packed(context.theme.accent));
        canvas.draw->AddText({low.x + pad, low.y}, packed(context.theme.background), label.c_str());
        canvas.flags.emplace_back(low.x, high.x);
        if (!over_ruler(low, high))
            continue;
        over = true;
        ui::tooltip(context.theme, Evidence::Reported,
                    fmt::format("Bookmark \"{}\" at {}, where you set it.", bookmark.label, format_moment(time, canvas.pixel_ns())));
    }
    return over;
}

} // namespace moescope
