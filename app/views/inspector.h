// The right pane: everything known about what is selected, every number explained on hover.
#pragma once

#include "app/views/view_context.h"
#include "profiler/explain/counters.h"
#include "profiler/explain/device_states.h"
#include "profiler/explain/repetition.h"

#include <optional>

namespace moescope {

struct InspectorState {
    KernelsByMeasurement kernels;
    CountersByMeasurement counters;
    // What the device was in while the selection was measured; found once a snapshot.
    SessionPtr states_session;
    MeasurementId states_of;
    std::optional<DeviceStates> states;
    SessionPtr copies_session; // the same of its fills and copies
    MeasurementId copies_of;
    RepetitionCopies copies;
    double theoretical_occupancy = 0;
};

void draw_inspector(ViewContext &context, InspectorState &state);

} // namespace moescope
