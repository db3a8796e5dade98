#include "kernels/common/argument_check.h"
#include "kernels/common/float_types.h"
#include "kernels/mlp/mlp_checks.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace moescope {

namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int32_t kLargestWidth = 1 << 24;

// Sizes and the routing that both directions have.
template <class Args> void check_slots(ArgumentCheck &check, const Args &args) {
    check.range("top_k", args.top_k, 1, kMaxInt32)
        .range("tokens", args.tokens, 0, kMaxInt32 / std::max(1, args.top_k), "T*k < 2^31")
        .range("width", args.width, 1, kLargestWidth);
    if (args.tokens == 0)
        return;
    check.optional_pointer("weights", args.weights, 4).optional_pointer("inverse", args.inverse, 4);
    if (args.y_grouped)
        check.pointer("inverse", args.inverse, 4);
}

} // namespace

ms_status check_combine(const ms_combine_args *args, ms_combine_args &full) {
    ArgumentCheck check("ms_combine");
    check.read(args, full).dtype("dtype", full.dtype, {MS_F32, MS_F16, MS_BF16});
    if (full.dtype == MS_F32)
        check.dtype("out_dtype", full.out_dtype, {MS_F32, MS_F16, MS_BF16});
    else
        check.dtype("out_dtype", full.out_dtype, {full.dtype, MS_F32});
    check_slots(check, full);
    check.range("y_stride", full.y_stride, full.width, kNoLimit, "width")
        .range("out_stride", full.out_stride, full.width, kNoLimit, "width");
    if (full.tokens > 0)
        check.pointer("y", full.y, std::size_t(size_of(full.dtype)))
            .pointer("out", full.out, std::size_t(size_of(full.out_dtype)));
    return check.status();
}

ms_status check_combine_backward(const ms_combine_backward_args *args,
                                 ms_combine_backward_args &full) {
    ArgumentCheck check("ms_combine_backward");
    check.read(args, full)
        .dtype("dtype", full.dtype, {MS_F32, MS_F16, MS_BF16})
        .dtype("dout_dtype", full.dout_dtype, {full.dtype, MS_F32});
    check_slots(check, full);
    check.range("dout_stride", full.dout_stride, full.width, kNoLimit, "width");
    if (full.dy)
        check.range("dy_stride", full.dy_stride, full.width, kNoLimit, "width")
            .optional_pointer("dy", full.dy, std::size_t(size_of(full.dtype)));
    if (full.dweights)
        check.range("y_stride", full.y_stride, full.width, kNoLimit, "width");
    if (full.tokens == 0)
        return check.status();
    check.pointer("dout", full.dout, std::size_t(size_of(full.dout_dtype)))
        .require(full.dy || full.dweights, "dy", "null, and so is dweights",
                 "an array, or dweights must be one");
    if (full.dweights)
        check.pointer("y", full.y, std::size_t(size_of(full.dtype)))
            .optional_pointer("dweights", full.dweights, 4);
    return check.status();
}

} // namespace moescope
