#include "kernels/routing/topk_warp_select.cuh"

namespace moescope {

ms_status topk_warp_select_softmax(const ms_topk_args &args, ms_stream stream) {
    return enqueue_warp_select<TopkKind::Softmax>(args, stream);
}

ms_status topk_warp_select_logit(const ms_topk_args &args, ms_stream stream) {
    return enqueue_warp_select<TopkKind::Logit>(args, stream);
}

} // namespace moescope
