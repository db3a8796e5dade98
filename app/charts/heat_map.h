// A small grid of coloured cells with labelled rows and columns.
#pragma once

#include "app/theme.h"
#include "profiler/explain/evidence.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace moescope::charts {

struct HeatCell {
    enum class Kind { None, Value, Hatched, Crossed, Outlined, Pending };
    Kind kind = Kind::None; // None: nothing there, a dot
    float t = 0;            // place on the colour scale, for Value
    std::string text;       // in the cell, where there is room
    bool marked = false;    // a ring: the best
    bool selected = false;
};

struct HeatMap {
    std::string title, row_title, column_title;
    std::vector<std::string> rows, columns;
    std::vector<HeatCell> cells; // [rows * columns]
    std::string explain = {};    // of the labels, on hover
    Evidence evidence = Evidence::Reported;
};

ImVec2 heat_map_size(const HeatMap &map, ImVec2 cell);
// One item of that size at the cursor. The cell under the pointer, if any.
std::optional<std::size_t> draw_heat_map(const char *id, const HeatMap &map, ImVec2 cell,
                                         const Theme &theme);

// Diagonal lines over a rectangle: "not this one".
void draw_hatching(ImDrawList &draw, ImVec2 low, ImVec2 high, ImU32 colour, float step);

} // namespace moescope::charts
