#include "kernels/routing/topk_warp_select.cuh"

namespace moescope {

ms_status topk_warp_select_sigmoid(const ms_topk_args &args, ms_stream stream) {
    return enqueue_warp_select<TopkKind::Sigmoid>(args, stream);
}

ms_status topk_warp_select_sqrt_softplus(const ms_topk_args &args, ms_stream stream) {
    return enqueue_warp_select<TopkKind::SqrtSoftplus>(args, stream);
}

} // namespace moescope
