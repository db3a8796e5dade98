// Roofs of a log-log chart: the least of what several limits allow. Each limit is a straight line
// y = rate * x^slope: slope 1 grows with x (a memory's bytes per second under an intensity, a fixed
// time under a size), slope 0 is flat.
#pragma once

#include "app/charts/plot.h"
#include "app/charts/series.h"

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace moescope::charts {

struct Roof {
    double rate = 0;
    int slope = 0;
    std::string label, explain;
    bool limits = true; // false: a line beside the others, drawn below what limits
    Evidence evidence = Evidence::Measured;

    double at(double x) const { return slope == 0 ? rate : rate * x; }
};

// What the roofs allow at x: the least of those that limit; 0 where there are none.
double allowed(std::span<const Roof> roofs, double x);

// From where to where a roof that does not limit is drawn: as far as it lies below every limit that it
// crosses, so that a rising one ends at the flat ones. Nothing where that is nowhere in x and y.
std::optional<std::pair<Point, Point>> beside(std::span<const Roof> roofs, const Roof &roof, Range x, Range y);

// Corners of the allowed area's edge between two x: where the least roof changes, and both ends.
std::vector<double> corners(std::span<const Roof> roofs, Range x);

struct DrawnRoofs {
    std::vector<ImVec2> points; // of the edge and of the labels, for what is drawn later to keep off
    const Roof *hovered = nullptr; // whose line or label the pointer is on
    std::vector<std::pair<ImVec2, ImVec2>> labels; // their corners
};
// The edge, what lies beyond it shaded, and a label on the free side of each roof that has a part
// of the edge. Its points are at most `step` pixels apart.
DrawnRoofs draw_roofs(const Plot &plot, std::span<const Roof> roofs, const Theme &theme,
                               float scale, float step);

} // namespace moescope::charts
