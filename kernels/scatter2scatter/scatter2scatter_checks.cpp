#include "kernels/scatter2scatter/scatter2scatter_checks.h"

#include "kernels/common/argument_check.h"
#include "kernels/common/float_types.h"
#include "kernels/common/status.h"
#include "kernels/scatter2scatter/kernel_plan.h"

#include <bit>
#include <cstdint>
#include <limits>
#include <string>

namespace moescope::scatter2scatter {

namespace {

constexpr const char *kName = "ms_scatter2scatter";
constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLargestSide =
    1 << 24; // of a matrix: leaves room for tile arithmetic in int32

void check_sizes(ArgumentCheck &check, const ms_scatter2scatter_args &args) {
    check.dtype("dtype", args.dtype, {MS_F16, MS_BF16})
        .dtype("y_dtype", args.y_dtype, {args.dtype, MS_F32})
        .one_of("variant", args.variant, {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K})
        .range("k", args.k, 1, kLargestSide)
        .multiple_of("k", args.k, 8)
        .range("n", args.n, 1, kLargestSide)
        .range("rank", args.rank, 0, 256)
        .finite("scaling", args.scaling)
        .range("slots", args.slots, 0, std::numeric_limits<std::int32_t>::max())
        .range("experts", args.experts, 1, 1 << 20)
        .range("top_k", args.top_k, 1, std::numeric_limits<std::int32_t>::max());
    if (!args.w_transposed)
        check.multiple_of("n", args.n, 8, "w is not transposed");
    if (const ms_expert_weights *nf4 = args.w_nf4)
        check.range("w_nf4->experts", nf4->experts, args.experts, args.experts, "experts")
            .range("w_nf4->expert_numel", nf4->expert_numel, std::int64_t(args.k) * args.n,
                   std::int64_t(args.k) * args.n, "k * n");
    if (args.rank > 0 && args.lora_b_transposed)
        check.multiple_of("n", args.n, 8, "lora_b is transposed");
}

void check_lora(ArgumentCheck &check, const ms_scatter2scatter_args &args) {
    if (!args.xa_is_input)
        check.pointer("lora_a", args.lora_a, 16);
    check.pointer("lora_b", args.lora_b, 16);
    if (args.xa_is_input)
        check.pointer("xa", args.xa, 16);
    else
        check.optional_pointer("xa", args.xa, 16);
}

void check_nf4(ArgumentCheck &check, const ms_expert_weights &weights) {
    const auto power_of_two = [](std::int32_t value) {
        return value > 0 && std::has_single_bit(unsigned(value));
    };
    check.one_of("w_nf4->format", weights.format, {MS_WEIGHTS_NF4, MS_WEIGHTS_FP4})
        .pointer("w_nf4->values", weights.values, 16)
        .pointer("w_nf4->code", weights.code, 4)
        .range("w_nf4->block_size", weights.block_size, 32, 4096)
        .require(power_of_two(weights.block_size), "w_nf4->block_size",
                 std::to_string(weights.block_size), "a power of two");
    if (weights.absmax) {
        check.pointer("w_nf4->absmax", weights.absmax, 4);
        return;
    }
    check.pointer("w_nf4->absmax_u8", weights.absmax_u8, 1)
        .pointer("w_nf4->nested_code", weights.nested_code, 4)
        .pointer("w_nf4->nested_absmax", weights.nested_absmax, 4)
        .require(power_of_two(weights.nested_block), "w_nf4->nested_block",
                 std::to_string(weights.nested_block), "a power of two");
}

void check_layout(ArgumentCheck &check, const ms_scatter2scatter_args &args) {
    check.range("x_stride", args.x_stride, args.k, kNoLimit, "k")
        .multiple_of("x_stride", args.x_stride, 8)
        .range("y_stride", args.y_stride, args.n, kNoLimit, "n");
    if (args.slots == 0)
        return; // nothing is read or written
    check.pointer("x", args.x, 16)
        .optional_pointer("bias", args.bias, std::size_t(size_of(args.dtype)))
        .pointer("y", args.y, std::size_t(size_of(args.y_dtype)))
        .pointer("offsets", args.offsets, alignof(std::int32_t));
    if (args.w_nf4)
        check_nf4(check, *args.w_nf4);
    else
        check.pointer("w", args.w, 16);
    if (args.rank > 0)
        check_lora(check, args);
    if (!args.x_grouped || !args.y_grouped)
        check.pointer("sorted_slots", args.sorted_slots, alignof(std::int32_t));
    if (const std::size_t needed = workspace_bytes(args); needed > 0)
        check.pointer("workspace", args.workspace, 16)
            .range("workspace_bytes", std::int64_t(args.workspace_bytes), std::int64_t(needed),
                   kNoLimit);
}

} // namespace

ms_status check_shape(const ms_scatter2scatter_args *args, ms_scatter2scatter_args &full) {
    ArgumentCheck check(kName);
    check.read(args, full);
    if (!check.failed())
        check_sizes(check, full);
    return check.status();
}

ms_status check_call(const ms_scatter2scatter_args *args, ms_scatter2scatter_args &full) {
    ArgumentCheck check(kName);
    check.read(args, full);
    if (!check.failed())
        check_sizes(check, full);
    if (!check.failed())
        check_layout(check, full);
    return check.status();
}

namespace {

ms_status check_nf4_kernels(const ms_scatter2scatter_args &args) {
    const std::string problem = !args.w_transposed ? "w_transposed"
                                : args.k % 32 != 0 ? "k a multiple of 32"
                                : args.rank > 0 && args.variant == MS_S2S_FUSED
                                    ? "MS_S2S_EXTRA_K or MS_S2S_SPLIT for LoRA"
                                    : "";
    if (problem.empty())
        return MS_OK;
    return fail(MS_UNSUPPORTED, std::string(kName) + ": the kernel that decodes NF4 wants " +
                                    problem + "; ms_selective_dequant serves the others");
}

} // namespace

ms_status check_kernels(const ms_scatter2scatter_args &args) {
    if (args.w_nf4)
        if (const ms_status status = check_nf4_kernels(args))
            return status;
    if (args.rank == 0 || args.variant != MS_S2S_FUSED)
        return MS_OK;
    const char *which = args.lora_a_transposed   ? "lora_a_transposed"
                        : args.lora_b_transposed ? "lora_b_transposed"
                        : args.xa_is_input       ? "xa_is_input"
                                                 : nullptr;
    if (!which)
        return MS_OK;
    return fail(MS_UNSUPPORTED, std::string(kName) + ": the fused kernel has no " + which +
                                    "; choose MS_S2S_EXTRA_K or MS_S2S_SPLIT");
}

size_t workspace_bytes(const ms_scatter2scatter_args &args) {
    if (args.variant == MS_S2S_FUSED || args.rank == 0 || args.xa || args.xa_is_input)
        return 0;
    return size_t(args.slots) * size_t(xa_columns(args.rank)) * size_t(size_of(args.dtype));
}

} // namespace moescope::scatter2scatter
