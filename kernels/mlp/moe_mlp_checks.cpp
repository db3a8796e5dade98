#include "kernels/common/argument_check.h"
#include "kernels/mlp/mlp_checks.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace moescope {

namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();

void check_expanded(ArgumentCheck &check, const char *name, const ms_expert_weights *weights,
                    std::int32_t experts, std::int64_t numel) {
    if (weights)
        check.require(weights->experts == experts && weights->expert_numel == numel, name,
                      std::to_string(weights->experts) + " experts of " +
                          std::to_string(weights->expert_numel) + " values",
                      "experts, " + std::to_string(experts) + ", of K*N, " + std::to_string(numel));
}

// What the steps do not check themselves, or would name otherwise.
void check_layer(ArgumentCheck &check, const ms_moe_mlp_args &args) {
    check.dtype("dtype", args.dtype, {MS_F16, MS_BF16})
        .range("rank", args.rank, 0, 256)
        .range("top_k", args.top_k, 1, kMaxInt32)
        .range("tokens", args.tokens, 0, kMaxInt32 / std::max(1, args.top_k), "T*k < 2^31")
        .range("experts", args.experts, 1, 4096)
        .range("hidden", args.hidden, 8, 1 << 22)
        .multiple_of("hidden", args.hidden, 8)
        .range("intermediate", args.intermediate, 8, 1 << 22)
        .multiple_of("intermediate", args.intermediate, 8)
        .one_of("gated", args.gated, {0, 1})
        .one_of("expand", args.expand, {0, 1})
        .range("x_stride", args.x_stride, args.hidden, kNoLimit, "hidden");
    if (args.expand && !check.failed()) {
        const std::int64_t numel = std::int64_t(args.hidden) * args.intermediate;
        check_expanded(check, "gate_up.w_quantised", args.gate_up.w_quantised, args.experts,
                       args.gated ? 2 * numel : numel);
        check_expanded(check, "down.w_quantised", args.down.w_quantised, args.experts, numel);
    }
}

void check_layer_pointers(ArgumentCheck &check, const ms_moe_mlp_args &args) {
    if (args.tokens > 0)
        check.pointer("x", args.x, 16)
            .pointer("sorted_slots", args.sorted_slots, 4)
            .pointer("inverse", args.inverse, 4)
            .pointer("offsets", args.offsets, 4)
            .pointer("h", args.h, 16)
            .pointer("act", args.act, 16)
            .pointer("y", args.y, 16);
}

} // namespace

ms_status check_moe_mlp(const ms_moe_mlp_args *args, ms_moe_mlp_args &full) {
    ArgumentCheck check("ms_moe_mlp");
    check.read(args, full);
    if (!check.failed()) {
        check_layer(check, full);
        check_layer_pointers(check, full);
    }
    check.range("out_stride", full.out_stride, full.hidden, kNoLimit, "hidden");
    if (full.tokens > 0)
        check.pointer("out", full.out, 2);
    return check.status();
}

ms_status check_moe_mlp_shape(const ms_moe_mlp_args *args, ms_moe_mlp_args &full) {
    ArgumentCheck check("ms_moe_mlp");
    check.read(args, full);
    if (!check.failed())
        check_layer(check, full);
    return check.status();
}

ms_status check_moe_mlp_backward(const ms_moe_mlp_backward_args *args,
                                 ms_moe_mlp_backward_args &full, ms_moe_mlp_args &forward) {
    ArgumentCheck check("ms_moe_mlp_backward");
    check.read(args, full).pointer("forward", full.forward, 8);
    forward = {};
    if (check.failed())
        return check.status();
    check.read(full.forward, forward);
    if (!check.failed()) {
        check_layer(check, forward);
        check_layer_pointers(check, forward);
    }
    check.dtype("grad_dtype", full.grad_dtype, {forward.dtype, MS_F32})
        .range("dout_stride", full.dout_stride, forward.hidden, kNoLimit, "hidden")
        .range("dx_stride", full.dx_stride, forward.hidden, kNoLimit, "hidden");
    if (forward.rank > 0)
        check.one_of("variant", full.variant, {MS_S2S_SPLIT, MS_S2S_EXTRA_K})
            .pointer("da_gate_up", full.da_gate_up, 16)
            .pointer("db_gate_up", full.db_gate_up, 16)
            .pointer("da_down", full.da_down, 16)
            .pointer("db_down", full.db_down, 16);
    if (forward.tokens == 0)
        return check.status();
    check.pointer("dout", full.dout, 2).pointer("dx", full.dx, 2);
    if (forward.rank > 0)
        check.pointer("forward->gate_up.xa", forward.gate_up.xa, 16)
            .pointer("forward->down.xa", forward.down.xa, 16);
    if (const ms_status status = check.status())
        return status;
    if (!forward.expand && (forward.gate_up.w_quantised || forward.down.w_quantised))
        return fail(MS_UNSUPPORTED, "ms_moe_mlp_backward: weights that are decoded in the kernel have "
                                    "no backward pass; set forward->expand to 1");
    return succeed();
}

} // namespace moescope
