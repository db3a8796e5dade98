// The right pane: everything known about what is selected, every number explained on hover.
#pragma once

#include "app/views/view_context.h"
#include "profiler/explain/counters.h"
#include "profiler/explain/repetition.h"

namespace moescope {

struct InspectorState {
    KernelsByMeasurement kernels;
    CountersByMeasurement counters;
};

void draw_inspector(ViewContext &context, InspectorState &state);

} // namespace moescope
