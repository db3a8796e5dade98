#include "kernels/routing/topk_warp_select.cuh"

namespace moescope {

ms_status topk_warp_select_bf16(const ms_topk_args &args, ms_stream stream) {
    return enqueue_warp_select<TopkOrder::Bf16Logit>(args, stream);
}

} // namespace moescope
