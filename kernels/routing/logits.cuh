// Reading logits of any dtype on the device.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace moescope {

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(__half value) { return __half2float(value); }
__device__ inline float widen(__nv_bfloat16 value) { return __bfloat162float(value); }

__device__ inline float load_logit(const void *logits, ms_dtype dtype, std::int64_t index) {
    switch (dtype) {
    case MS_F16:
        return widen(static_cast<const __half *>(logits)[index]);
    case MS_BF16:
        return widen(static_cast<const __nv_bfloat16 *>(logits)[index]);
    default:
        return static_cast<const float *>(logits)[index];
    }
}

// A weight rounded to a dtype, as float32 again.
__device__ inline float rounded_weight(float weight, ms_dtype dtype) {
    if (dtype == MS_BF16)
        return widen(__float2bfloat16_rn(weight));
    return dtype == MS_F16 ? widen(__float2half_rn(weight)) : weight;
}

// values[i] = row[first + i * step], or `padding` from `experts` on. All loads are in flight at
// once: the dtype is looked at outside the loop.
template <int kItems, class T>
__device__ inline void load_typed_row(const T *row, int first, int step, int experts, float padding,
                                      float (&values)[kItems]) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        const int expert = first + i * step;
        values[i] = expert < experts ? widen(row[expert]) : padding;
    }
}

template <int kItems>
__device__ inline void load_row(const void *logits, ms_dtype dtype, std::int64_t row_start,
                                int first, int step, int experts, float padding,
                                float (&values)[kItems]) {
    if (dtype == MS_F32)
        load_typed_row(static_cast<const float *>(logits) + row_start, first, step, experts,
                       padding, values);
    else if (dtype == MS_F16)
        load_typed_row(static_cast<const __half *>(logits) + row_start, first, step, experts,
                       padding, values);
    else
        load_typed_row(static_cast<const __nv_bfloat16 *>(logits) + row_start, first, step, experts,
                       padding, values);
}

} // namespace moescope
