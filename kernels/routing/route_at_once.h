// ms_route in one launch: the top-k of topk_row.cuh and the sort of expert_sort.cuh in one kernel.
#pragma once

#include "kernels/routing/routing_checks.h"
#include "kernels/routing/topk_row.cuh"

namespace moescope {

// Sets `done` if it could, and leaves everything as it is otherwise. Each kind compiles every shape, in
// a file of its own or with one other.
template <TopkKind kKind>
ms_status route_as(const CheckedRoute &route, bool &done, ms_stream stream);

} // namespace moescope
