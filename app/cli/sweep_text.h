// What `sweep` prints: pure functions of a session and the sweep that made it.
#pragma once

#include "profiler/sweep/found_sweep.h"

#include <string>
#include <vector>

namespace moescope::cli {

struct SweptPoint {
    SweepPoint point;
    Result<RunId> run; // or why there is none
};

struct Sweep {
    std::vector<SweepAxis> axes;
    std::vector<SweptPoint> points;
};

struct FoundStep {
    FoundSweep sweep;
    SweepLine line;
    Step step;
};
// Along each of the axes.
std::vector<FoundStep> steps_of(const Session &session, const Sweep &sweep);

// A line a point and measurement, by operator and variant, and the steps beyond the trend.
std::string sweep_table(const Session &session, const Sweep &sweep);
// The document moescope.sweep; json_output.h says its fields.
std::string sweep_json(const Session &session, const Sweep &sweep);
// What went wrong at a point, a sentence each.
std::vector<std::string> problems_of(const Session &session, const SweptPoint &point);

} // namespace moescope::cli
