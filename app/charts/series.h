// What a chart shows: lines, points and bars. Each draws at most some primitives a pixel column,
// and says which datum the pointer is on.
#pragma once

#include "app/charts/plot.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>

namespace moescope::charts {

struct Point {
    double x = 0, y = 0;
    friend bool operator==(const Point &, const Point &) = default;
};

// Points with x rising, thinned to the first, lowest, highest and last of each of `columns` equal
// parts of the range, with one neighbour on each side: the line looks the same.
std::vector<Point> downsampled(std::span<const Point> points, Range x, int columns);

// In pixels, of a point from a piece of a line.
float distance_to(ImVec2 point, ImVec2 from, ImVec2 to);

// A straight line of dashes; nothing where it is zoomed beyond what dashes can show.
void draw_dashes(ImDrawList &draw, ImVec2 from, ImVec2 to, float dash, float gap, ImU32 colour, float thickness);

void draw_line(const Plot &plot, std::span<const Point> points, const ImVec4 &colour, float width);

// Draws discs. The nearest one to the pointer within `reach` pixels, if any.
std::optional<std::size_t> draw_points(const Plot &plot, std::span<const Point> points,
                                       const std::function<ImU32(std::size_t)> &colour,
                                       float radius, float reach);

// Vertical bars from zero, `values[i]` over i - 0.5 .. i + 0.5; where many share a pixel the
// highest is drawn. The bar under the pointer, if any.
std::optional<std::size_t> draw_bars(const Plot &plot, std::span<const double> values,
                                     const std::function<ImU32(std::size_t)> &colour);

// A piece of a horizontal stacked bar.
struct Segment {
    double from = 0, to = 0;
    ImVec4 colour;
    bool hatched = false;
    std::string text; // inside it, where there is room
};
// A bar between two y pixels; the segment under the pointer, if any.
std::optional<std::size_t> draw_stack(const Plot &plot, float top, float bottom,
                                      std::span<const Segment> segments, const Theme &theme);

} // namespace moescope::charts
