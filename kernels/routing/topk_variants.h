// The CUDA variants of ms_topk. All select the same experts in the same order, to the bit; the
// weights agree within float32 rounding. Arguments have been checked. Each enqueues one kernel and
// returns the launch's status.
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope {

// One warp a token, one expert a lane. Plain softmax, E <= 32.
ms_status topk_warp_bitonic(const ms_topk_args &args, ms_stream stream);
// One block a token, sorting all E packed (logit, expert) keys with cub::BlockMergeSort. Plain
// softmax, E <= 1024.
ms_status topk_block_merge_sort(const ms_topk_args &args, ms_stream stream);
// One thread a token, k passes over its row: the baseline, for anything.
ms_status topk_scalar(const ms_topk_args &args, ms_stream stream);
// Where warp_select_shape() finds a shape, and k <= kMaxWarpSelectTopK.
ms_status topk_warp_select(const ms_topk_args &args, ms_stream stream);
// Its parts, by TopkKind: each compiles every shape.
ms_status topk_warp_select_bf16_softmax(const ms_topk_args &args, ms_stream stream);
ms_status topk_warp_select_bf16_logit(const ms_topk_args &args, ms_stream stream);
ms_status topk_warp_select_softmax(const ms_topk_args &args, ms_stream stream);
ms_status topk_warp_select_logit(const ms_topk_args &args, ms_stream stream);
ms_status topk_warp_select_sigmoid(const ms_topk_args &args, ms_stream stream);
ms_status topk_warp_select_sqrt_softplus(const ms_topk_args &args, ms_stream stream);
ms_status topk_warp_select_choice(const ms_topk_args &args, ms_stream stream);
// The usual sigmoids, by approximate choices first.
bool takes_quick_sigmoid(const ms_topk_args &args);
ms_status topk_quick_sigmoid(const ms_topk_args &args, ms_stream stream);

} // namespace moescope
