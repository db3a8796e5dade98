// The right pane: everything known about what is selected, every number explained on hover.
#pragma once

#include "app/views/view_context.h"

namespace moescope {

void draw_inspector(ViewContext &context);

} // namespace moescope
