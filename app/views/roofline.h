// "How far from the limit?": every operator and variant of a run under the device's roofs, and the
// selected one's distance from them in words.
#pragma once

#include "app/charts/plot.h"
#include "app/views/view_context.h"
#include "profiler/explain/counters.h"
#include "profiler/explain/gap.h"
#include "profiler/explain/repetition.h"

#include <array>
#include <optional>

namespace moescope {

struct RooflineState {
    KernelsByMeasurement kernels;
    CountersByMeasurement counters;
    std::array<charts::PlotState, 2> plots; // by RooflineKind
    charts::PlotState gap_plot;
    // The shortest kernel, of this snapshot and run.
    SessionPtr session;
    RunId run;
    double shortest_kernel_ns = 0;
    // What is known of the selected measurement's gap, of the same snapshot: its kernels are looked at.
    std::optional<GapFacts> facts;
    MeasurementId facts_of;
    Ceilings ceilings; // the run's, or what the same device has measured since
};

void draw_roofline(const ViewContext &context, RooflineState &state);

} // namespace moescope
