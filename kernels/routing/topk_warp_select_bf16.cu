#include "kernels/routing/topk_warp_select.cuh"

namespace moescope {

ms_status topk_warp_select_bf16_softmax(const ms_topk_args &args, ms_stream stream) {
    return enqueue_warp_select<TopkKind::Bf16Softmax>(args, stream);
}

ms_status topk_warp_select_bf16_logit(const ms_topk_args &args, ms_stream stream) {
    return enqueue_warp_select<TopkKind::Bf16Logit>(args, stream);
}

} // namespace moescope
