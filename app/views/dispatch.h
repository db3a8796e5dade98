// "Fused or split?": the LoRA variants of gate_up and down on the same inputs.
#pragma once

#include "app/charts/plot.h"
#include "profiler/explain/repetition.h"
#include "app/views/view_context.h"

#include <array>
#include <map>

namespace moescope {

struct DispatchState {
    KernelsByMeasurement kernels;
    std::array<charts::PlotState, 2> plots; // gate_up, down
    // Found once a snapshot: all kernels of a measurement are looked at.
    SessionPtr session;
    std::map<MeasurementId, Breakdown> breakdowns;
};

void draw_dispatch(const ViewContext &context, DispatchState &state);

} // namespace moescope
