#include "kernels/common/argument_check.h"
#include "kernels/common/float_types.h"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/routing_math.h"
#include "kernels/routing/topk_shapes.h"

#include <cstdint>
#include <limits>

namespace moescope {

namespace {

constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();

constexpr std::int64_t kMaxExactSoftmaxExperts = 1 << 20; // its sum is of 64-bit fixed point
constexpr int kMaxWarpBitonicExperts = 32;
constexpr int kMaxBlockMergeSortExperts = 1024;

bool limits_groups(const ms_topk_args &args) { return args.groups_kept < args.groups; }

bool is_plain_softmax(const ms_topk_args &args) {
    return args.score == MS_SCORE_SOFTMAX && !args.bias && !limits_groups(args);
}

const char *name_of(ms_topk_variant variant) {
    switch (variant) {
    case MS_TOPK_WARP_BITONIC:
        return "variant MS_TOPK_WARP_BITONIC";
    case MS_TOPK_BLOCK_MERGE_SORT:
        return "variant MS_TOPK_BLOCK_MERGE_SORT";
    default:
        return "variant MS_TOPK_WARP_SELECT";
    }
}

void check_sort(ArgumentCheck &check, const ms_topk_args &args, int most_experts) {
    check.range("experts", args.experts, 1, most_experts, name_of(args.variant))
        .require(is_plain_softmax(args), "the routing", "more than a plain softmax",
                 std::string("a softmax with neither bias nor groups (") + name_of(args.variant) + ")");
}

void check_variant(ArgumentCheck &check, const ms_topk_args &args) {
    switch (args.variant) {
    case MS_TOPK_WARP_BITONIC:
        return check_sort(check, args, kMaxWarpBitonicExperts);
    case MS_TOPK_BLOCK_MERGE_SORT:
        return check_sort(check, args, kMaxBlockMergeSortExperts);
    case MS_TOPK_WARP_SELECT:
        check
            .range("experts", args.experts, 1, std::rbegin(kTopkShapes)->experts(),
                   name_of(args.variant))
            .range("top_k", args.top_k, 1, kMaxWarpSelectTopK, name_of(args.variant))
            .require(warp_select_shape(args.experts, limits_groups(args) ? args.groups : 1, args.top_k)
                             .lanes > 0, "groups", std::to_string(args.groups),
                     "a number that gives a group 5, 8, 12, 16 or 32 experts or a power of two of "
                     "them (variant MS_TOPK_WARP_SELECT)");
        return;
    default:
        return;
    }
}

void check_rules(ArgumentCheck &check, const ms_topk_args &args) {
    check.dtype("logits_dtype", args.logits_dtype, {MS_F32, MS_F16, MS_BF16})
        .range("tokens", args.tokens, 1, kMaxInt32)
        .range("experts", args.experts, 1, kMaxInt32)
        .range("top_k", args.top_k, 1, args.experts, "experts")
        .range("logits_stride", args.logits_stride, args.experts, std::int64_t(1) << 31,
               "at least experts")
        .range("renorm", args.renorm, MS_RENORM_NONE, MS_RENORM_SKIP)
        .finite_from("renorm_epsilon", args.renorm_epsilon, 0.0f)
        .finite("routed_scaling", args.routed_scaling)
        .pointer("logits", args.logits, std::size_t(size_of(args.logits_dtype)))
        .pointer("weights", args.weights, alignof(float))
        .pointer("ids", args.ids, alignof(std::int32_t))
        .optional_pointer("bias", args.bias, alignof(float))
        .range("score", args.score, MS_SCORE_SOFTMAX, MS_SCORE_TOPK_SIGMOID)
        .range("variant", args.variant, MS_TOPK_AUTO, MS_TOPK_WARP_SELECT)
        .dtype("weights_round", args.weights_round, {MS_F32, MS_F16, MS_BF16})
        .range("groups", args.groups, 1, args.experts, "experts");
    if (check.failed())
        return;
    check
        .require(args.experts % args.groups == 0, "groups", std::to_string(args.groups),
                 "a divisor of experts, " + std::to_string(args.experts))
        .range("groups_kept", args.groups_kept, 1, args.groups, "groups")
        .range("top_k", args.top_k, 1,
               std::int64_t(args.groups_kept) * (args.experts / args.groups),
               "the experts of groups_kept groups")
        .range("group_score", args.group_score, MS_GROUP_TOP2_SUM, MS_GROUP_MAX)
        .range("masked_fill", args.masked_fill, MS_MASKED_NEG_INFINITY, MS_MASKED_ZERO_COMPAT);
    if (check.failed())
        return;
    if (args.score == MS_SCORE_SOFTMAX && !orders_by_logit(args))
        check.range("experts", args.experts, 1, kMaxExactSoftmaxExperts,
                    "a softmax with a bias or groups by their two best");
    check_variant(check, args);
}

// What every args struct of a top-k routing has.
template <class Args> ms_topk_args common_of(const Args &args) {
    ms_topk_args full{};
    full.struct_size = sizeof full;
    full.logits_dtype = args.logits_dtype;
    full.logits = args.logits;
    full.logits_stride = args.logits_stride;
    full.tokens = args.tokens;
    full.experts = args.experts;
    full.top_k = args.top_k;
    full.groups = full.groups_kept = 1;
    full.renorm = args.renorm;
    full.renorm_epsilon = args.renorm_epsilon;
    full.routed_scaling = args.routed_scaling;
    full.weights = args.weights;
    full.ids = args.ids;
    return full;
}

} // namespace

bool takes(ms_topk_variant variant, const ms_topk_args &args) {
    ms_topk_args asked = args;
    asked.variant = variant;
    ArgumentCheck check("ms_topk");
    check_variant(check, asked);
    return !check.failed();
}

ms_status check_topk(const ms_topk_args *args, ms_topk_args &full) {
    ArgumentCheck check("ms_topk");
    check.read(args, full);
    check_rules(check, full);
    return check.status();
}

ms_status check_softmax_topk(const ms_softmax_topk_args *args, ms_topk_args &full) {
    ArgumentCheck check("ms_softmax_topk");
    ms_softmax_topk_args own;
    check.read(args, own);
    full = common_of(own);
    full.variant = own.variant;
    check_rules(check, full);
    return check.status();
}

ms_status check_sigmoid_topk(const ms_sigmoid_topk_args *args, ms_topk_args &full) {
    ArgumentCheck check("ms_sigmoid_topk");
    ms_sigmoid_topk_args own;
    check.read(args, own);
    full = common_of(own);
    full.score = MS_SCORE_SIGMOID;
    full.bias = own.bias;
    full.groups = own.groups;
    full.groups_kept = own.groups_kept;
    full.group_score = own.group_score;
    full.masked_fill = own.masked_fill;
    check_rules(check, full);
    return check.status();
}

} // namespace moescope
