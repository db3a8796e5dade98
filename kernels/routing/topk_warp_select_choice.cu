#include "kernels/routing/topk_warp_select.cuh"

namespace moescope {

ms_status topk_warp_select_choice(const ms_topk_args &args, ms_stream stream) {
    return enqueue_warp_select<TopkKind::Choice>(args, stream);
}

} // namespace moescope
