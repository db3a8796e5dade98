// The CPU references: the same args structs as the C interface, holding host pointers. They define
// what every CUDA kernel must compute, accumulate in float64 where a sum is involved, and round to
// the output type once. Multithreaded, because the `cpu` device really runs them. The stream is
// ignored. Errors as the C interface: a status, and ms_last_error().
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope::reference {

ms_status topk(const ms_topk_args *args, ms_stream stream);
ms_status softmax_topk(const ms_softmax_topk_args *args, ms_stream stream);
ms_status sigmoid_topk(const ms_sigmoid_topk_args *args, ms_stream stream);
ms_status router(const ms_router_args *args, ms_stream stream);
ms_status route_metadata(const ms_route_metadata_args *args, ms_stream stream);
ms_status tile_schedule(const ms_tile_schedule_args *args, ms_stream stream);
ms_status route(const ms_route_args *args, ms_stream stream);
ms_status bitmatrix(const ms_bitmatrix_args *args, ms_stream stream);
ms_status ragged_metadata(const ms_ragged_metadata_args *args, ms_stream stream);
ms_status routing_data(const ms_routing_data_args *args, ms_stream stream);
ms_status scatter2scatter(const ms_scatter2scatter_args *args, ms_stream stream);
ms_status lora_grad(const ms_lora_grad_args *args, ms_stream stream);
ms_status active_experts(const ms_active_experts_args *args, ms_stream stream);
ms_status selective_dequant(const ms_selective_dequant_args *args, ms_stream stream);
ms_status compact_experts(const ms_compact_experts_args *args, ms_stream stream);
ms_status select_experts(const ms_select_experts_args *args, ms_stream stream);
ms_status combine(const ms_combine_args *args, ms_stream stream);
ms_status combine_backward(const ms_combine_backward_args *args, ms_stream stream);
ms_status gated_activation(const ms_gated_activation_args *args, ms_stream stream);
ms_status gated_activation_backward(const ms_gated_activation_backward_args *args, ms_stream stream);
ms_status entropy(const ms_entropy_args *args, ms_stream stream);
ms_status entropy_backward(const ms_entropy_backward_args *args, ms_stream stream);
ms_status selective_log_softmax(const ms_selective_log_softmax_args *args, ms_stream stream);
ms_status selective_log_softmax_backward(const ms_selective_log_softmax_backward_args *args,
                                         ms_stream stream);
ms_status logprob_stats(const ms_logprob_stats_args *args, ms_stream stream);
ms_status moe_mlp(const ms_moe_mlp_args *args, ms_stream stream);
size_t moe_mlp_workspace_bytes(const ms_moe_mlp_args *args);
size_t moe_mlp_backward_workspace_bytes(const ms_moe_mlp_backward_args *args);
ms_status moe_mlp_backward(const ms_moe_mlp_backward_args *args, ms_stream stream);

} // namespace moescope::reference
