// "Where do the tokens go?": the experts' load, tokens to experts, and what it means for tiles.
#pragma once

#include "app/charts/plot.h"
#include "profiler/explain/routing_math.h"
#include "app/views/routing_tiles.h"
#include "app/views/view_context.h"

#include <optional>

namespace moescope {

struct RoutingState {
    bool sorted = false;
    OperatorId op = OperatorId::GateUp;
    std::optional<RowTile> tile; // nothing: as measured
    charts::PlotState plot;
    int hovered_token = -1;

    // The facts last asked for: finding them walks the session's kernels.
    TileFacts facts;
    SessionPtr facts_session;
    RunId facts_run;
    OperatorId facts_op = OperatorId::GateUp;
    RowTile facts_tile;
};

void draw_routing(const ViewContext &context, RoutingState &state);

} // namespace moescope
