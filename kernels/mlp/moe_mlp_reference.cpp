#include "kernels/mlp/mlp_checks.h"
#include "kernels/mlp/moe_mlp_plan.h"
#include "kernels/reference.h"

namespace moescope::reference {

namespace {

constexpr moescope::moe_mlp::Steps kSteps = {
    .default_config = nullptr,
    .tile_schedule = tile_schedule,
    .scatter2scatter = scatter2scatter,
    .compact_experts = compact_experts,
    .selective_dequant = selective_dequant,
    .select_experts = select_experts,
    .lora_grad = lora_grad,
    .lora_grad_workspace_bytes = nullptr,
    .gated_activation = gated_activation,
    .gated_activation_backward = gated_activation_backward,
    .combine = combine,
    .combine_backward = combine_backward,
};

} // namespace

size_t moe_mlp_workspace_bytes(const ms_moe_mlp_args *args) {
    return moescope::moe_mlp::workspace_bytes(args, kSteps);
}

size_t moe_mlp_backward_workspace_bytes(const ms_moe_mlp_backward_args *args) {
    return moescope::moe_mlp::workspace_bytes(args, kSteps);
}

ms_status moe_mlp(const ms_moe_mlp_args *args, ms_stream stream) {
    ms_moe_mlp_args full;
    if (const ms_status status = check_moe_mlp(args, full))
        return status;
    return moescope::moe_mlp::run(full, kSteps, stream);
}

ms_status moe_mlp_backward(const ms_moe_mlp_backward_args *args, ms_stream stream) {
    ms_moe_mlp_backward_args full;
    ms_moe_mlp_args forward;
    if (const ms_status status = check_moe_mlp_backward(args, full, forward))
        return status;
    return moescope::moe_mlp::run(full, forward, kSteps, stream);
}

} // namespace moescope::reference
