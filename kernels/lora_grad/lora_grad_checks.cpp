#include "kernels/lora_grad/lora_grad_checks.h"

#include "kernels/common/argument_check.h"
#include "kernels/common/float_types.h"

#include <cstdint>
#include <limits>

namespace moescope::lora_grad {

namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kLargestSide = 1 << 24;

void check_sizes(ArgumentCheck &check, const ms_lora_grad_args &args) {
    check.dtype("dtype", args.dtype, {MS_F16, MS_BF16})
        .dtype("out_dtype", args.out_dtype, {args.dtype, MS_F32})
        .one_of("variant", args.variant,
                {MS_LORA_GRAD_GRAM, MS_LORA_GRAD_RECOMPUTE, MS_LORA_GRAD_ATOMIC})
        .range("k", args.k, 8, kLargestSide)
        .multiple_of("k", args.k, 8)
        .range("n", args.n, 8, kLargestSide)
        .multiple_of("n", args.n, 8)
        .range("rank", args.rank, 1, 256)
        .range("experts", args.experts, 1, 1 << 20)
        .finite("scaling", args.scaling)
        .range("top_k", args.top_k, 1, kMaxInt32)
        .range("slots", args.slots, 0, kMaxInt32);
    if (args.variant == MS_LORA_GRAD_ATOMIC)
        check.require(args.out_dtype == MS_F32, "out_dtype", std::to_string(args.out_dtype),
                      "MS_F32 (the atomic variant)");
}

void check_layout(ArgumentCheck &check, const ms_lora_grad_args &args) {
    const bool recompute = args.variant == MS_LORA_GRAD_RECOMPUTE;
    check.range("x_stride", args.x_stride, args.k, kNoLimit, "k")
        .multiple_of("x_stride", args.x_stride, 8)
        .range("dy_stride", args.dy_stride, args.n, kNoLimit, "n")
        .multiple_of("dy_stride", args.dy_stride, 8)
        .require(args.da || args.db, "da", "null, and so is db", "an array, or db must be one")
        .optional_pointer("da", args.da, 16)
        .optional_pointer("db", args.db, 16)
        .pointer("offsets", args.offsets, alignof(std::int32_t));
    if (args.slots == 0)
        return; // zeros are written, nothing is read
    if (args.da || recompute)
        check.pointer("x", args.x, 16);
    if (args.db || recompute)
        check.pointer("dy", args.dy, 16);
    if (recompute && args.db)
        check.pointer("lora_a", args.lora_a, 16);
    if (recompute && args.da)
        check.pointer("lora_b", args.lora_b, 16);
    if (!recompute && args.db)
        check.pointer("xa", args.xa, 16);
    if (!recompute && args.da)
        check.pointer("yb", args.yb, 16);
    if (!args.x_grouped || !args.dy_grouped)
        check.pointer("sorted_slots", args.sorted_slots, alignof(std::int32_t));
}

} // namespace

ms_status check_shape(const ms_lora_grad_args *args, ms_lora_grad_args &full) {
    ArgumentCheck check("ms_lora_grad");
    check.read(args, full);
    if (!check.failed())
        check_sizes(check, full);
    return check.status();
}

ms_status check_call(const ms_lora_grad_args *args, ms_lora_grad_args &full) {
    ArgumentCheck check("ms_lora_grad");
    check.read(args, full);
    if (!check.failed())
        check_sizes(check, full);
    if (!check.failed())
        check_layout(check, full);
    return check.status();
}

} // namespace moescope::lora_grad
