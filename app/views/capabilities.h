// What can be collected on a device: each collector, whether it may, why not, and what would change that.
#pragma once

#include "app/views/view_context.h"

#include <string_view>

namespace moescope {

// What a collector is for; "" for one that is not known here.
const char *collector_purpose(std::string_view collector);

// A row a collector, with its remedy in full under it and a button that copies it.
void draw_capabilities(const ViewContext &context, const DeviceInfo &device);

} // namespace moescope
