// The parts of the routing view.
#pragma once

#include "app/views/routing.h"
#include "app/views/routing_tiles.h"

namespace moescope {

// The experts' load as bars, and the sampled tokens' choices as curves below them on the same axis.
void draw_load(const ViewContext &context, RoutingState &state, const RoutingRecord &routing,
               const LoadStats &stats);
// Row tiles and their padding, and the waves they are carried out in.
void draw_tiles(const ViewContext &context, RoutingState &state, const RoutingRecord &routing);

} // namespace moescope
