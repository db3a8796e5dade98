// The three CUDA variants of softmax_topk. All select the same experts in the same order, to the
// bit; the weights agree within float32 rounding. Arguments have been checked. Each enqueues one
// kernel and returns the launch's status.
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope {

// One warp a token, one expert a lane. E <= 32.
ms_status softmax_topk_warp(const ms_softmax_topk_args &args, ms_stream stream);
// One block a token, sorting all E packed (logit, expert) keys with cub::BlockMergeSort. E <= 1024.
ms_status softmax_topk_block(const ms_softmax_topk_args &args, ms_stream stream);
// One thread a token, k passes over its row: the baseline, for any E.
ms_status softmax_topk_scalar(const ms_softmax_topk_args &args, ms_stream stream);

} // namespace moescope
