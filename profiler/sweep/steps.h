// Steps of a curve of times that its trend does not explain: a tile that no longer fits, another
// wave, a kernel that takes another path.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace moescope {

struct TrendPoint {
    double x = 0;
    double time = 0;         // median
    double low = 0, high = 0; // what most samples lie between: p10 and p90
    double floor = 0;        // least time the work takes; 0: not known
};

struct Step {
    std::size_t after = 0; // the point that the step leads to, from the one before it
    double factor = 1;     // time there over time before
    double expected = 1;   // what the trend accounts for
    bool up = true;
    friend bool operator==(const Step &, const Step &) = default;
};

inline constexpr double kLeastStep = 1.2; // beyond the trend

// Points with x rising. The trend of an interval is the steeper of the slopes of both its
// neighbours and of the floor, in logarithms of time (and of x, where every x is positive); at an
// end, where only one neighbour is, up to proportional growth counts as trend too, and so does no change. A step is an
// interval that moves kLeastStep times further than that, by more than the samples spread. Nothing
// with fewer than four points.
std::vector<Step> find_steps(std::span<const TrendPoint> points);

} // namespace moescope
