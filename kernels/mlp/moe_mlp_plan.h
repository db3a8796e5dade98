// The layer as a sequence of operators: the same on a GPU, with the C interface's functions, and on
// the CPU, with the references.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <array>
#include <cstddef>

namespace moescope::moe_mlp {

struct Steps {
    ms_status (*default_config)(const ms_scatter2scatter_args *, ms_tile_config *); // null: no tiles
    ms_status (*tile_schedule)(const ms_tile_schedule_args *, ms_stream);
    ms_status (*scatter2scatter)(const ms_scatter2scatter_args *, ms_stream);
    ms_status (*compact_experts)(const ms_compact_experts_args *, ms_stream);
    ms_status (*selective_dequant)(const ms_selective_dequant_args *, ms_stream);
    ms_status (*select_experts)(const ms_select_experts_args *, ms_stream);
    ms_status (*lora_grad)(const ms_lora_grad_args *, ms_stream);
    size_t (*lora_grad_workspace_bytes)(const ms_lora_grad_args *); // null: none
    ms_status (*gated_activation)(const ms_gated_activation_args *, ms_stream);
    ms_status (*gated_activation_backward)(const ms_gated_activation_backward_args *, ms_stream);
    ms_status (*combine)(const ms_combine_args *, ms_stream);
    ms_status (*combine_backward)(const ms_combine_backward_args *, ms_stream);
};

// Of checked args.
size_t workspace_bytes(const ms_moe_mlp_args &args, const Steps &steps);
ms_status run(const ms_moe_mlp_args &args, const Steps &steps, ms_stream stream);

// The layer's grouped products as they would be launched, but for their workspace and schedule: gate_up, down.
std::array<ms_scatter2scatter_args, 2> products(const ms_moe_mlp_args &args);

size_t workspace_bytes(const ms_moe_mlp_backward_args &args, const ms_moe_mlp_args &forward,
                       const Steps &steps);
ms_status run(const ms_moe_mlp_backward_args &args, const ms_moe_mlp_args &forward,
              const Steps &steps, ms_stream stream);

// The sizes by unchecked args: 0 where they are no args at all.
size_t workspace_bytes(const ms_moe_mlp_args *args, const Steps &steps);
size_t workspace_bytes(const ms_moe_mlp_backward_args *args, const Steps &steps);

} // namespace moescope::moe_mlp
