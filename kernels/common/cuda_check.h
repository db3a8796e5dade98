// Turns a failed CUDA runtime call into a status with the call's text. Include from CUDA code only.
#pragma once

#include "kernels/common/status.h"

#include <cuda_runtime_api.h>

#define MS_CUDA_TRY(call)                                                                          \
    do {                                                                                           \
        const cudaError_t ms_cuda_error_ = (call);                                                 \
        if (ms_cuda_error_ != cudaSuccess)                                                         \
            return ::moescope::fail(MS_CUDA_ERROR, std::string(#call) + ": " +                     \
                                                       cudaGetErrorString(ms_cuda_error_));        \
    } while (false)

// After every launch.
#define MS_LAUNCH_CHECK() MS_CUDA_TRY(cudaGetLastError())
