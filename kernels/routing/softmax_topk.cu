#include "kernels/common/status.h"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/softmax_topk_variants.h"

#include <cstdint>

namespace moescope {

namespace {

ms_topk_variant variant_for(std::int32_t experts) {
    if (experts <= kMaxSoftmaxWarpExperts)
        return MS_TOPK_WARP_BITONIC;
    return experts <= kMaxSoftmaxBlockExperts ? MS_TOPK_BLOCK_MERGE_SORT : MS_TOPK_SCALAR;
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_softmax_topk(const ms_softmax_topk_args *args, ms_stream stream) {
    using namespace moescope;
    ms_softmax_topk_args full;
    if (const ms_status status = check_softmax_topk(args, full); status != MS_OK)
        return status;
    switch (full.variant == MS_TOPK_AUTO ? variant_for(full.experts) : full.variant) {
    case MS_TOPK_WARP_BITONIC:
        return softmax_topk_warp(full, stream);
    case MS_TOPK_BLOCK_MERGE_SORT:
        return softmax_topk_block(full, stream);
    default:
        return softmax_topk_scalar(full, stream);
    }
}
