// Roofs of a log-log chart: the least of what several limits allow. Each limit is a straight line
// y = rate * x^slope: slope 1 grows with x (a memory's bytes per second under an intensity, a fixed
// time under a size), slope 0 is flat.
#pragma once

#include "app/charts/plot.h"

#include <span>
#include <string>
#include <vector>

namespace moescope::charts {

struct Roof {
    double rate = 0;
    int slope = 0;
    std::string label, explain;

    double at(double x) const { return slope == 0 ? rate : rate * x; }
};

// What the roofs allow at x: the least of them; 0 where there are none.
double allowed(std::span<const Roof> roofs, double x);

// Corners of the allowed area's edge between two x: where the least roof changes, and both ends.
std::vector<double> corners(std::span<const Roof> roofs, Range x);

// The edge, what lies beyond it shaded, and a label on the free side of each roof that has a part
// of the edge. Gives points of the edge and of the labels, at most `step` pixels apart, for what is
// drawn later to keep off.
std::vector<ImVec2> draw_roofs(const Plot &plot, std::span<const Roof> roofs, const Theme &theme,
                               float scale, float step);

} // namespace moescope::charts
