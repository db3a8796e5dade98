// The layer's C functions: its steps are those of this interface.
#include "kernels/common/no_throw.h"
#include "kernels/mlp/mlp_checks.h"
#include "kernels/mlp/moe_mlp_plan.h"

#include <array>
#include <string>
#include <thread>

namespace moescope {

namespace {

constexpr moe_mlp::Steps kSteps = {
    .default_config = ms_scatter2scatter_default_config,
    .tile_schedule = ms_tile_schedule,
    .scatter2scatter = ms_scatter2scatter,
    .compact_experts = ms_compact_experts,
    .selective_dequant = ms_selective_dequant,
    .select_experts = ms_select_experts,
    .lora_grad = ms_lora_grad,
    .lora_grad_workspace_bytes = ms_lora_grad_workspace_bytes,
    .gated_activation = ms_gated_activation,
    .gated_activation_backward = ms_gated_activation_backward,
    .combine = ms_combine,
    .combine_backward = ms_combine_backward,
};

ms_status compile(const ms_moe_mlp_args &layer, const char *arch) {
    struct Outcome {
        ms_status status = MS_OK;
        std::string message; // the last error is a thread's own
    };
    if (layer.tokens == 0)
        return succeed();
    const std::array calls = moe_mlp::products(layer);
    std::array<Outcome, calls.size()> outcomes;
    const auto compile_one = [&](std::size_t at) {
        outcomes[at].status = ms_scatter2scatter_compile(&calls[at], arch, nullptr);
        outcomes[at].message = ms_last_error();
    };
    {
        const std::jthread other(compile_one, 1);
        compile_one(0);
    }
    for (const Outcome &outcome : outcomes)
        if (outcome.status != MS_OK)
            return fail(outcome.status, outcome.message);
    return succeed();
}

} // namespace

} // namespace moescope

using namespace moescope;

extern "C" {

size_t ms_moe_mlp_workspace_bytes(const ms_moe_mlp_args *args) {
    return moe_mlp::workspace_bytes(args, kSteps);
}

ms_status ms_moe_mlp(const ms_moe_mlp_args *args, ms_stream stream) {
    return no_throw("ms_moe_mlp", [&] {
        ms_moe_mlp_args full;
        if (const ms_status status = check_moe_mlp(args, full))
            return status;
        return moe_mlp::run(full, kSteps, stream);
    });
}

ms_status ms_moe_mlp_compile(const ms_moe_mlp_args *args, const char *arch) {
    return no_throw("ms_moe_mlp_compile", [&] {
        ms_moe_mlp_args full;
        if (const ms_status status = check_moe_mlp_shape(args, full))
            return status;
        return compile(full, arch);
    });
}

size_t ms_moe_mlp_backward_workspace_bytes(const ms_moe_mlp_backward_args *args) {
    return moe_mlp::workspace_bytes(args, kSteps);
}

ms_status ms_moe_mlp_backward(const ms_moe_mlp_backward_args *args, ms_stream stream) {
    return no_throw("ms_moe_mlp_backward", [&] {
        ms_moe_mlp_backward_args full;
        ms_moe_mlp_args forward;
        if (const ms_status status = check_moe_mlp_backward(args, full, forward))
            return status;
        return moe_mlp::run(full, forward, kSteps, stream);
    });
}

} // extern "C"
