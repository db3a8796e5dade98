// "Where does the time go?": every operator and variant of a run with its time, what it achieved
// and how far from the limit it is.
#pragma once

#include "app/views/overview_rows.h"
#include "app/views/view_context.h"

namespace moescope {

struct OverviewState {
    OverviewOrder order;
};

void draw_overview(ViewContext &context, OverviewState &state);

} // namespace moescope
