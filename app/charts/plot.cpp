#include "app/charts/plot.h"

#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"

#include <imgui_internal.h> // SetItemKeyOwner: the wheel zooms the chart and does not scroll the pane

#include <algorithm>
#include <cmath>

namespace moescope::charts {

namespace {

constexpr float kZoomStep = 0.85f;
constexpr float kClickSlack = 4; // pixels a click may move

struct AxisTicks {
    std::vector<Tick> x, y;
};

AxisTicks ticks_of(const Plot &plot, const PlotSpec &spec) {
    const float line = ImGui::GetTextLineHeight();
    AxisTicks result;
    if (spec.x.labelled && !spec.x.values.empty())
        result.x = ticks_at(spec.x.values, plot.x, spec.x.unit, line * 2);
    if (spec.x.labelled && result.x.empty())
        result.x = ticks(plot.x.range, std::max(2, int((plot.high.x - plot.low.x) / (line * 5))),
                         spec.x.unit, spec.x.log);
    if (spec.y.labelled)
        result.y = ticks(plot.y.range, std::max(2, int((plot.high.y - plot.low.y) / (line * 2.2f))),
                         spec.y.unit, spec.y.log);
    return result;
}

float label_width(const std::vector<Tick> &all) {
    float width = 0;
    for (const Tick &tick : all)
        width = std::max(width, ImGui::CalcTextSize(tick.label.c_str()).x);
    return width;
}

void draw_x_axis(const Plot &plot, const PlotSpec &spec, const std::vector<Tick> &all,
                 const Theme &theme) {
    const float line = ImGui::GetTextLineHeight();
    float free_from = plot.low.x - line;
    for (const Tick &tick : all) {
        const float x = std::floor(float(plot.x.to_pixel(tick.value))) + 0.5f;
        plot.draw->AddLine({x, plot.low.y}, {x, plot.high.y},
                           packed(theme.grid, tick.label.empty() ? 0.25f : 0.6f));
        const float width = ImGui::CalcTextSize(tick.label.c_str()).x;
        const float left = std::min(x - width / 2, plot.high.x - width + line);
        if (tick.label.empty() || left < free_from)
            continue;
        plot.draw->AddText({std::floor(left), plot.high.y + line * 0.25f}, packed(theme.muted),
                           tick.label.c_str());
        free_from = left + width + line * 0.5f;
    }
    if (!spec.x.title.empty()) {
        const float width = ImGui::CalcTextSize(spec.x.title.c_str()).x;
        plot.draw->AddText({std::floor((plot.low.x + plot.high.x - width) / 2),
                            plot.high.y + line * (spec.x.labelled ? 1.4f : 0.3f)},
                           packed(theme.muted), spec.x.title.c_str());
    }
}

void draw_y_axis(const Plot &plot, const PlotSpec &spec, const std::vector<Tick> &all,
                 const Theme &theme) {
    const float line = ImGui::GetTextLineHeight();
    for (const Tick &tick : all) {
        const float y = std::floor(float(plot.y.to_pixel(tick.value))) + 0.5f;
        plot.draw->AddLine({plot.low.x, y}, {plot.high.x, y},
                           packed(theme.grid, tick.label.empty() ? 0.25f : 0.6f));
        const float width = ImGui::CalcTextSize(tick.label.c_str()).x;
        plot.draw->AddText({std::floor(plot.low.x - width - line * 0.4f), std::floor(y - line / 2)},
                           packed(theme.muted), tick.label.c_str());
    }
    if (!spec.y.title.empty())
        plot.draw->AddText({plot.low.x, plot.low.y - line * 1.25f}, packed(theme.muted),
                           spec.y.title.c_str());
}

// Where a wheel turn or a drag acts: inside the frame on both axes.
void interact(Plot &plot, const PlotSpec &spec, PlotState &state) {
    const ImGuiIO &io = ImGui::GetIO();
    const auto apply = [&](auto &&change) {
        if (spec.x.movable)
            state.x = change(plot.x, io.MousePos.x, io.MouseDelta.x);
        if (spec.y.movable)
            state.y = change(plot.y, io.MousePos.y, io.MouseDelta.y);
    };
    if (plot.hovered && io.MouseWheel != 0) {
        const double factor = std::pow(double(kZoomStep), double(io.MouseWheel));
        apply(
            [&](const Scale &scale, double about, double) { return zoomed(scale, about, factor); });
    }
    if (ImGui::IsItemActive() && ImGui::IsMouseDragging(ImGuiMouseButton_Left, kClickSlack))
        apply([](const Scale &scale, double, double by) { return panned(scale, by); });
    if (plot.hovered && ImGui::IsMouseClicked(ImGuiMouseButton_Right))
        state.box_start = io.MousePos;
    if (plot.hovered && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left))
        state.x = state.y = std::nullopt;
    plot.clicked = plot.hovered && ImGui::IsMouseReleased(ImGuiMouseButton_Left) &&
                   ImGui::GetMouseDragDelta(ImGuiMouseButton_Left, kClickSlack).x == 0 &&
                   ImGui::GetMouseDragDelta(ImGuiMouseButton_Left, kClickSlack).y == 0;
}

Range between(const Scale &scale, double a, double b) {
    const double x = scale.to_value(a), y = scale.to_value(b);
    return {std::min(x, y), std::max(x, y)};
}

void finish_box(const Plot &plot, const PlotSpec &spec, PlotState &state) {
    if (!state.box_start || ImGui::IsMouseDown(ImGuiMouseButton_Right))
        return;
    const ImVec2 from = *state.box_start;
    state.box_start.reset();
    if (std::fabs(plot.mouse.x - from.x) < kClickSlack &&
        std::fabs(plot.mouse.y - from.y) < kClickSlack)
        return;
    if (spec.x.movable)
        state.x = between(plot.x, std::clamp(from.x, plot.low.x, plot.high.x),
                          std::clamp(plot.mouse.x, plot.low.x, plot.high.x));
    if (spec.y.movable)
        state.y = between(plot.y, std::clamp(from.y, plot.low.y, plot.high.y),
                          std::clamp(plot.mouse.y, plot.low.y, plot.high.y));
}

Range shown(const std::optional<Range> &chosen, const AxisSpec &axis) {
    return chosen && chosen->span() > 0 && std::isfinite(chosen->span()) ? *chosen : axis.fit;
}

void explain(const AxisSpec &axis, const Theme &theme) {
    if (axis.evidence)
        ui::tooltip(theme, *axis.evidence, axis.explain);
    else
        ui::tooltip(axis.explain);
}

} // namespace

Plot begin_plot(const char *id, ImVec2 size, const PlotSpec &spec, PlotState &state,
                const Theme &theme, float scale) {
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    const ImVec2 origin = ImGui::GetCursorScreenPos();
    size = {std::max(size.x, 40 * scale), std::max(size.y, 40 * scale)};
    Plot plot;
    plot.draw = ImGui::GetWindowDrawList();
    plot.mouse = ImGui::GetIO().MousePos;
    plot.x = {shown(state.x, spec.x), 0, 1, spec.x.log};
    plot.y = {shown(state.y, spec.y), 1, 0, spec.y.log};
    const float below =
        (spec.x.labelled ? line * 1.4f : 0) + (spec.x.title.empty() ? 0 : line * 1.2f);
    plot.low = {origin.x, origin.y + (spec.y.title.empty() ? line * 0.5f : line * 1.3f)};
    plot.high = {origin.x + size.x - line, origin.y + size.y - std::max(below, 1.0f)};
    auto marks = ticks_of(plot, spec);
    plot.low.x += spec.left_margin > 0 ? spec.left_margin : label_width(marks.y) + line * 0.6f;
    plot.x.pixel_low = plot.low.x, plot.x.pixel_high = plot.high.x;
    plot.y.pixel_low = plot.high.y, plot.y.pixel_high = plot.low.y;
    marks.x = ticks_of(plot, spec).x;

    ImGui::SetCursorScreenPos(plot.low);
    ImGui::InvisibleButton(
        id, {std::max(1.0f, plot.high.x - plot.low.x), std::max(1.0f, plot.high.y - plot.low.y)});
    plot.hovered = ImGui::IsItemHovered();
    ImGui::SetItemKeyOwner(ImGuiKey_MouseWheelY);
    interact(plot, spec, state);
    finish_box(plot, spec, state);
    plot.draw->PushClipRect({origin.x, origin.y - line / 2},
                            {origin.x + size.x, origin.y + size.y + line / 2}, true);
    draw_y_axis(plot, spec, marks.y, theme);
    draw_x_axis(plot, spec, marks.x, theme);
    plot.draw->PopClipRect();
    ImGui::SetCursorScreenPos(origin);
    ImGui::Dummy(size);
    if (!plot.hovered && ImGui::IsItemHovered())
        explain(plot.mouse.y > plot.high.y ? spec.x : spec.y, theme);
    ui::note_chart(id, origin, {origin.x + size.x, origin.y + size.y});
    plot.draw->PushClipRect(plot.low, plot.high, true);
    return plot;
}

void end_plot(Plot &plot, const PlotState &state, const Theme &theme) {
    if (state.box_start) {
        plot.draw->AddRectFilled(*state.box_start, plot.mouse, packed(theme.accent, 0.15f));
        plot.draw->AddRect(*state.box_start, plot.mouse, packed(theme.accent, 0.8f));
    }
    plot.draw->PopClipRect();
    plot.draw->AddLine({plot.low.x, plot.high.y}, {plot.high.x, plot.high.y}, packed(theme.line));
}

void legend(std::span<const LegendEntry> entries, PlotState &state, const Theme &theme) {
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    bool first = true;
    for (const LegendEntry &entry : entries) {
        const float width = ImGui::CalcTextSize(entry.name.c_str()).x + line * 1.4f;
        if (!first) {
            ImGui::SameLine(0, line);
            if (ImGui::GetContentRegionAvail().x < width)
                ImGui::NewLine();
        }
        first = false;
        const ImVec2 at = ImGui::GetCursorScreenPos();
        ImGui::PushID(entry.name.c_str());
        if (ImGui::InvisibleButton("entry", {width, line}) && !state.hidden.erase(entry.name))
            state.hidden.insert(entry.name);
        ImGui::PopID();
        const bool shows = state.shows(entry.name);
        if (ImGui::IsItemHovered())
            ui::tooltip(theme, entry.evidence,
                        entry.explain + (entry.explain.empty() ? "" : "\n") +
                            (shows ? "Click to hide." : "Click to show."));
        auto *draw = ImGui::GetWindowDrawList();
        draw->AddRectFilled({at.x, at.y + line * 0.15f}, {at.x + line * 0.8f, at.y + line * 0.85f},
                            packed(entry.colour, shows ? 1.0f : 0.25f), line * 0.15f);
        draw->AddText({at.x + line * 1.2f, at.y}, packed(shows ? theme.text : theme.muted),
                      entry.name.c_str());
    }
}

} // namespace moescope::charts
