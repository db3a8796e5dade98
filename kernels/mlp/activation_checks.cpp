#include "kernels/common/argument_check.h"
#include "kernels/common/float_types.h"
#include "kernels/mlp/mlp_checks.h"

#include <cstdint>
#include <limits>

namespace moescope {

namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int32_t kLargestWidth = 1 << 23;

template <class Args> std::int64_t h_columns(const Args &args) {
    return args.gated ? 2 * std::int64_t(args.width) : args.width;
}

// What both directions have.
template <class Args> void check_activation(ArgumentCheck &check, const Args &args) {
    check.dtype("dtype", args.dtype, {MS_F32, MS_F16, MS_BF16})
        .range("kind", args.kind, MS_ACT_SILU, MS_ACT_RELU2)
        .one_of("gated", args.gated, {0, 1})
        .one_of("interleaved", args.interleaved, {0, 1})
        .range("width", args.width, 1, kLargestWidth)
        .range("rows", args.rows, 0, kMaxInt32)
        .range("h_stride", args.h_stride, h_columns(args), kNoLimit, "columns of h");
    if (args.kind == MS_ACT_CLAMPED_SWISH)
        check.range("gated", args.gated, 1, 1, "MS_ACT_CLAMPED_SWISH has a gate")
            .require(args.alpha > 0 && args.alpha < 1e9f, "alpha", std::to_string(args.alpha),
                     "positive and finite")
            .require(args.limit > 0 && args.limit < 1e30f, "limit", std::to_string(args.limit),
                     "positive and finite");
    if (args.rows > 0)
        check.pointer("h", args.h, std::size_t(size_of(args.dtype)))
            .optional_pointer("weights", args.weights, 4)
            .optional_pointer("slots", args.slots, 4);
}

} // namespace

ms_status check_gated_activation(const ms_gated_activation_args *args,
                                 ms_gated_activation_args &full) {
    ArgumentCheck check("ms_gated_activation");
    check.read(args, full);
    check_activation(check, full);
    check.range("out_stride", full.out_stride, full.width, kNoLimit, "width");
    if (full.rows > 0)
        check.pointer("out", full.out, std::size_t(size_of(full.dtype)));
    return check.status();
}

ms_status check_gated_activation_backward(const ms_gated_activation_backward_args *args,
                                          ms_gated_activation_backward_args &full) {
    ArgumentCheck check("ms_gated_activation_backward");
    check.read(args, full);
    check_activation(check, full);
    check.range("dout_stride", full.dout_stride, full.width, kNoLimit, "width")
        .range("dh_stride", full.dh_stride, h_columns(full), kNoLimit, "columns of h");
    if (full.out)
        check.range("out_stride", full.out_stride, full.width, kNoLimit, "width");
    if (full.rows > 0)
        check.pointer("dout", full.dout, std::size_t(size_of(full.dtype)))
            .pointer("dh", full.dh, std::size_t(size_of(full.dtype)))
            .optional_pointer("dweights", full.dweights, 4)
            .optional_pointer("out", full.out, std::size_t(size_of(full.dtype)));
    return check.status();
}

} // namespace moescope
