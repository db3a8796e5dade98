// The plots of a report, each as one SVG element whose colours are the page's; "" where the session
// has nothing for it.
#pragma once

#include "profiler/session/session.h"

#include <string>
#include <vector>

namespace moescope::report {

// Every timed variant: its median, p10 to p90, and its floor.
std::string time_bars(const Session &session, RunId run);

// Operators with several variants, the kernels of one repetition and the gaps between them.
std::string variant_bars(const Session &session, RunId run);

// Best time of every block_m x block_n that was tuned.
struct TuningPlot {
    std::string title, svg;
};
std::vector<TuningPlot> tuning_maps(const Session &session, RunId run);

// Where the measurements lie under the device's ceilings. by_size: those without matrix products,
// placed by the bytes they move.
std::string roofline(const Session &session, RunId run, bool by_size);

// Runs that differ in one number of their workload: a line a variant, with its p10 to p90.
struct SweepPlot {
    std::string title, svg;
};
std::vector<SweepPlot> sweeps(const Session &session);

} // namespace moescope::report
