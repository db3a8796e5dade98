// The pieces of the inspector.
#pragma once

#include "app/views/inspector.h"

namespace moescope {

void draw_counters(const ViewContext &context, InspectorState &state, MeasurementId id);
void draw_device_state(const ViewContext &context, InspectorState &state, MeasurementId id);

} // namespace moescope
