// What the comparison shows before anything is chosen, and how far its plot reaches.
#include "app/views/compare.h"

#include <algorithm>
#include <cmath>

namespace moescope {

std::pair<CompareChoice, CompareChoice> default_choices(const Session &session, RunId shown, bool other) {
    CompareChoice a, b;
    if (other) {
        b.other = true;
        return {a, b};
    }
    const auto runs = std::uint32_t(session.runs.size());
    if (runs == 0)
        return {a, b};
    b.run = shown.valid() && shown.value < runs ? shown : RunId{runs - 1};
    a.run = RunId{b.run.value > 0 ? b.run.value - 1 : 0};
    if (b.run.value == 0 && runs > 1)
        b.run = RunId{1};
    return {a, b};
}

double forest_reach(const Comparison &comparison) {
    double reach = std::log(1 + 2 * comparison.threshold);
    for (const ComparedRow &row : comparison.rows)
        if (row.time.ratio)
            reach = std::max({reach, std::fabs(std::log(row.time.ratio->low)), std::fabs(std::log(row.time.ratio->high))});
    return std::clamp(std::exp(reach * 1.05), 1.02, 100.0);
}

double forest_tick(double reach) {
    double tick = 1.02;
    for (const double round : {1.05, 1.1, 1.25, 1.5, 2.0, 4.0, 10.0, 20.0, 50.0})
        if (round <= std::pow(reach, 0.9))
            tick = round;
    return tick;
}

} // namespace moescope
