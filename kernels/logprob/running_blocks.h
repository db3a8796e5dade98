// How many thread blocks the current device runs at once.
#pragma once

#include "kernels/common/cuda_check.h"

namespace moescope::logprob {

inline ms_status running_blocks(int blocks_per_sm, int &blocks) {
    int device = 0, sms = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device));
    blocks = sms * blocks_per_sm;
    return succeed();
}

} // namespace moescope::logprob
