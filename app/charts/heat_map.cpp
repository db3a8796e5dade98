#include "app/charts/heat_map.h"

#include "app/charts/colour_scale.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"

#include <algorithm>
#include <cmath>

namespace moescope::charts {

namespace {

float row_label_width(const HeatMap &map) {
    float width = ImGui::CalcTextSize(map.row_title.c_str()).x;
    for (const std::string &row : map.rows)
        width = std::max(width, ImGui::CalcTextSize(row.c_str()).x);
    return width + ImGui::GetTextLineHeight() * 0.5f;
}

// Title, column title, column labels.
float header_height() { return ImGui::GetTextLineHeight() * 2.5f; }

void draw_ground(ImDrawList &draw, const HeatCell &cell, ImVec2 low, ImVec2 high,
                 const Theme &theme) {
    const float line = ImGui::GetTextLineHeight();
    const ImVec2 middle{(low.x + high.x) / 2, (low.y + high.y) / 2};
    switch (cell.kind) {
    case HeatCell::Kind::None:
        draw.AddCircleFilled(middle, line * 0.08f, packed(theme.line));
        break;
    case HeatCell::Kind::Value:
        draw.AddRectFilled(low, high, packed(sequential(theme, cell.t)), line * 0.15f);
        break;
    case HeatCell::Kind::Hatched:
        draw.AddRectFilled(low, high, packed(theme.muted, 0.12f), line * 0.15f);
        draw_hatching(draw, low, high, packed(theme.muted, 0.45f), line * 0.45f);
        break;
    case HeatCell::Kind::Crossed: {
        const float arm = line * 0.32f;
        draw.AddRectFilled(low, high, packed(theme.failure, 0.14f), line * 0.15f);
        draw.AddLine({middle.x - arm, middle.y - arm}, {middle.x + arm, middle.y + arm},
                     packed(theme.failure), line * 0.12f);
        draw.AddLine({middle.x - arm, middle.y + arm}, {middle.x + arm, middle.y - arm},
                     packed(theme.failure), line * 0.12f);
        break;
    }
    case HeatCell::Kind::Outlined:
        draw.AddRect(low, high, packed(theme.line), line * 0.15f);
        break;
    case HeatCell::Kind::Pending: {
        const float pulse = 0.5f + 0.5f * std::sin(float(ImGui::GetTime()) * 5);
        draw.AddRectFilled(low, high, packed(theme.accent, 0.12f + 0.18f * pulse), line * 0.15f);
        draw.AddRect(low, high, packed(theme.accent, 0.8f), line * 0.15f);
        break;
    }
    }
}

void draw_cell(ImDrawList &draw, const HeatCell &cell, ImVec2 low, ImVec2 high, bool hovered,
               const Theme &theme) {
    const float line = ImGui::GetTextLineHeight();
    draw_ground(draw, cell, low, high, theme);
    const float width = ImGui::CalcTextSize(cell.text.c_str()).x;
    if (!cell.text.empty() && width + line * 0.3f < high.x - low.x && line < high.y - low.y) {
        const ImVec4 colour = cell.kind == HeatCell::Kind::Value
                                  ? text_on(sequential(theme, cell.t))
                                  : theme.muted;
        draw.AddText(
            {std::floor((low.x + high.x - width) / 2), std::floor((low.y + high.y - line) / 2)},
            packed(colour), cell.text.c_str());
    }
    const auto ring = [&](float out, const ImVec4 &colour, float thickness) {
        draw.AddRect({low.x - out, low.y - out}, {high.x + out, high.y + out}, packed(colour),
                     line * 0.2f, 0, thickness);
    };
    if (cell.marked)
        ring(line * 0.12f, theme.text, line * 0.14f);
    if (cell.selected)
        ring(line * 0.12f, theme.accent, line * 0.16f);
    if (hovered)
        ring(0, theme.text, 1);
}

void draw_labels(ImDrawList &draw, const HeatMap &map, ImVec2 at, ImVec2 cells, ImVec2 cell,
                 const Theme &theme) {
    const float line = ImGui::GetTextLineHeight();
    draw.AddText({cells.x, at.y}, packed(theme.text), map.title.c_str());
    draw.AddText({at.x, cells.y - line * 1.15f}, packed(theme.muted), map.row_title.c_str());
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
        const float width = ImGui::CalcTextSize(map.columns[c].c_str()).x;
        draw.AddText(
            {std::floor(cells.x + cell.x * (float(c) + 0.5f) - width / 2), cells.y - line * 1.15f},
            packed(theme.muted), map.columns[c].c_str());
    }
    for (std::size_t r = 0; r < map.rows.size(); ++r) {
        const float width = ImGui::CalcTextSize(map.rows[r].c_str()).x;
        draw.AddText({std::floor(cells.x - width - line * 0.4f),
                      std::floor(cells.y + cell.y * (float(r) + 0.5f) - line / 2)},
                     packed(theme.muted), map.rows[r].c_str());
    }
}

} // namespace

void draw_hatching(ImDrawList &draw, ImVec2 low, ImVec2 high, ImU32 colour, float step) {
    draw.PushClipRect(low, high, true);
    const float height = high.y - low.y;
    const float width = std::min(high.x - low.x, 4096.0f);
    for (float x = -height; x < width; x += step)
        draw.AddLine({low.x + x, high.y}, {low.x + x + height, low.y}, colour);
    draw.PopClipRect();
}

ImVec2 heat_map_size(const HeatMap &map, ImVec2 cell) {
    const ui::FontScope font(ui::small_font());
    const float width = row_label_width(map) + cell.x * float(map.columns.size());
    return {std::max(width, row_label_width(map) + ImGui::CalcTextSize(map.title.c_str()).x),
            header_height() + cell.y * float(map.rows.size())};
}

std::optional<std::size_t> draw_heat_map(const char *id, const HeatMap &map, ImVec2 cell,
                                         const Theme &theme) {
    const ImVec2 size = heat_map_size(map, cell);
    const ui::FontScope font(ui::small_font());
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::InvisibleButton(id, size);
    const ImVec2 cells{at.x + row_label_width(map), at.y + header_height()};
    auto &draw = *ImGui::GetWindowDrawList();
    draw_labels(draw, map, at, cells, cell, theme);
    std::optional<std::size_t> hovered;
    const ImVec2 mouse = ImGui::GetIO().MousePos;
    for (std::size_t i = 0; i < map.cells.size(); ++i) {
        const float c = float(i % map.columns.size()), r = float(i / map.columns.size());
        const ImVec2 low{cells.x + cell.x * c + 1, cells.y + cell.y * r + 1};
        const ImVec2 high{low.x + cell.x - 3, low.y + cell.y - 3};
        const bool on = ImGui::IsItemHovered() && mouse.x >= low.x - 1 && mouse.x < low.x - 1 + cell.x && // its gap too
                        mouse.y >= low.y - 1 && mouse.y < low.y - 1 + cell.y;
        if (on)
            hovered = i;
        draw_cell(draw, map.cells[i], low, high, on, theme);
    }
    if (!hovered && ImGui::IsItemHovered() && (mouse.x < cells.x || mouse.y < cells.y))
        ui::tooltip(theme, map.evidence, map.explain);
    ui::note_chart(id, at, {at.x + size.x, at.y + size.y});
    return hovered;
}

} // namespace moescope::charts
