// The argument rules of the routing operators, for the C interface and the references alike. Each
// copies the arguments into `full`, and returns MS_OK or MS_INVALID_ARGUMENT with ms_last_error()
// naming the field, its value and what is allowed. Workspaces are the GPU's business and are
// checked there.
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope {

constexpr int kMaxMetadataExperts = 4096;

ms_status check_topk(const ms_topk_args *args, ms_topk_args &full);
ms_status check_softmax_topk(const ms_softmax_topk_args *args, ms_topk_args &full);
ms_status check_sigmoid_topk(const ms_sigmoid_topk_args *args, ms_topk_args &full);
// Whether a variant other than MS_TOPK_AUTO reaches these arguments, which are right otherwise.
bool takes(ms_topk_variant variant, const ms_topk_args &args);
ms_status check_route_metadata(const ms_route_metadata_args *args, ms_route_metadata_args &full);
ms_status check_tile_schedule(const ms_tile_schedule_args *args, ms_tile_schedule_args &full);
ms_status check_bitmatrix(const ms_bitmatrix_args *args, ms_bitmatrix_args &full);
ms_status check_ragged_metadata(const ms_ragged_metadata_args *args, ms_ragged_metadata_args &full);
ms_status check_routing_data(const ms_routing_data_args *args, ms_routing_data_args &full);

// The sort behind a bit matrix or the older routing data: their arrays as those of route metadata.
ms_route_metadata_args sort_of(const ms_bitmatrix_args &args);
ms_route_metadata_args sort_of(const ms_routing_data_args &args);
// The schedules that go with the older routing data; slice_sizes and slice_offs are the sort's.
ms_ragged_metadata_args schedules_of(const ms_routing_data_args &args);

// A whole routing as its two halves.
struct CheckedRoute {
    ms_topk_args topk;
    ms_route_metadata_args metadata;
};
// Without the arrays: what a workspace's size depends on.
ms_status check_route_sizes(const ms_route_args *args, CheckedRoute &full);
ms_status check_route(const ms_route_args *args, CheckedRoute &full);

// A router's arguments, with the one routing it ends in; that routing reads the router's logits.
struct CheckedRouter {
    ms_router_args args;
    ms_topk_args topk;
};
// Without the arrays and the routing: what a workspace's size depends on.
ms_status check_router_sizes(const ms_router_args *args, ms_router_args &full);
ms_status check_router(const ms_router_args *args, CheckedRouter &full);

} // namespace moescope
