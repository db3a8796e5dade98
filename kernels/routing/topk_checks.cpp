#include "kernels/common/argument_check.h"
#include "kernels/common/float_types.h"
#include "kernels/routing/routing_checks.h"

#include <cstdint>
#include <limits>

namespace moescope {

namespace {

constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();

// What softmax_topk and sigmoid_topk have in common.
template <class Args>
void check_common(ArgumentCheck &check, const Args &args, std::int64_t max_experts) {
    check.dtype("logits_dtype", args.logits_dtype, {MS_F32, MS_F16, MS_BF16})
        .range("tokens", args.tokens, 1, kMaxInt32)
        .range("experts", args.experts, 1, max_experts)
        .range("top_k", args.top_k, 1, args.experts, "experts")
        .range("logits_stride", args.logits_stride, args.experts, std::int64_t(1) << 31,
               "at least experts")
        .range("renorm", args.renorm, MS_RENORM_NONE, MS_RENORM_SKIP)
        .finite_from("renorm_epsilon", args.renorm_epsilon, 0.0f)
        .finite("routed_scaling", args.routed_scaling)
        .pointer("logits", args.logits, std::size_t(size_of(args.logits_dtype)))
        .pointer("weights", args.weights, alignof(float))
        .pointer("ids", args.ids, alignof(std::int32_t));
}

} // namespace

ms_status check_softmax_topk(const ms_softmax_topk_args *args, ms_softmax_topk_args &full) {
    ArgumentCheck check("ms_softmax_topk");
    check.read(args, full).range("variant", full.variant, MS_TOPK_AUTO, MS_TOPK_SCALAR);
    if (full.variant == MS_TOPK_WARP_BITONIC)
        check.range("experts", full.experts, 1, kMaxSoftmaxWarpExperts,
                    "variant MS_TOPK_WARP_BITONIC");
    if (full.variant == MS_TOPK_BLOCK_MERGE_SORT)
        check.range("experts", full.experts, 1, kMaxSoftmaxBlockExperts,
                    "variant MS_TOPK_BLOCK_MERGE_SORT");
    check_common(check, full, kMaxInt32);
    return check.status();
}

ms_status check_sigmoid_topk(const ms_sigmoid_topk_args *args, ms_sigmoid_topk_args &full) {
    ArgumentCheck check("ms_sigmoid_topk");
    check.read(args, full);
    check_common(check, full, kMaxSigmoidExperts);
    check.range("groups", full.groups, 1, full.experts, "experts");
    if (check.failed())
        return check.status();
    check
        .require(full.experts % full.groups == 0, "groups", std::to_string(full.groups),
                 "a divisor of experts, " + std::to_string(full.experts))
        .range("groups_kept", full.groups_kept, 1, full.groups, "groups")
        .range("top_k", full.top_k, 1,
               std::int64_t(full.groups_kept) * (full.experts / full.groups),
               "the experts of groups_kept groups")
        .range("group_score", full.group_score, MS_GROUP_TOP2_SUM, MS_GROUP_MAX)
        .range("masked_fill", full.masked_fill, MS_MASKED_NEG_INFINITY, MS_MASKED_ZERO_COMPAT)
        .optional_pointer("bias", full.bias, alignof(float));
    return check.status();
}

} // namespace moescope
