#include "kernels/common/status.h"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/topk_row.cuh"
#include "kernels/routing/topk_variants.h"

#include <cstdint>

namespace moescope {

ms_status topk_warp_select(const ms_topk_args &args, ms_stream stream) {
    switch (topk_kind(args)) {
    case TopkKind::Bf16Softmax:
        return topk_warp_select_bf16_softmax(args, stream);
    case TopkKind::Bf16Logit:
        return topk_warp_select_bf16_logit(args, stream);
    case TopkKind::Softmax:
        return topk_warp_select_softmax(args, stream);
    case TopkKind::Logit:
        return topk_warp_select_logit(args, stream);
    case TopkKind::Sigmoid:
        return takes_quick_sigmoid(args) ? topk_quick_sigmoid(args, stream)
                                         : topk_warp_select_sigmoid(args, stream);
    case TopkKind::SqrtSoftplus:
        return topk_warp_select_sqrt_softplus(args, stream);
    default:
        return topk_warp_select_choice(args, stream);
    }
}

namespace {

ms_topk_variant variant_for(const ms_topk_args &args) {
    for (const ms_topk_variant variant : {MS_TOPK_WARP_SELECT, MS_TOPK_BLOCK_MERGE_SORT})
        if (takes(variant, args))
            return variant;
    return MS_TOPK_SCALAR;
}

ms_status enqueue(const ms_topk_args &args, ms_stream stream) {
    switch (args.variant == MS_TOPK_AUTO ? variant_for(args) : args.variant) {
    case MS_TOPK_WARP_SELECT:
        return topk_warp_select(args, stream);
    case MS_TOPK_WARP_BITONIC:
        return topk_warp_bitonic(args, stream);
    case MS_TOPK_BLOCK_MERGE_SORT:
        return topk_block_merge_sort(args, stream);
    default:
        return topk_scalar(args, stream);
    }
}

// Args: any of the three interfaces'.
template <class Args>
ms_status check_and_enqueue(const Args *args, ms_status (*check)(const Args *, ms_topk_args &),
                            ms_stream stream) {
    ms_topk_args full;
    if (const ms_status status = check(args, full); status != MS_OK)
        return status;
    return enqueue(full, stream);
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_topk(const ms_topk_args *args, ms_stream stream) {
    return moescope::check_and_enqueue(args, moescope::check_topk, stream);
}

extern "C" ms_status ms_softmax_topk(const ms_softmax_topk_args *args, ms_stream stream) {
    return moescope::check_and_enqueue(args, moescope::check_softmax_topk, stream);
}

extern "C" ms_status ms_sigmoid_topk(const ms_sigmoid_topk_args *args, ms_stream stream) {
    return moescope::check_and_enqueue(args, moescope::check_sigmoid_topk, stream);
}
