// A model's dtype as the kernels' C interface has it.
#pragma once

#include "kernels/include/moescope/base.h"
#include "profiler/model/model_shape.h"

namespace moescope {

constexpr ms_dtype kernel_dtype(DType dtype) {
    return dtype == DType::F32 ? MS_F32 : dtype == DType::F16 ? MS_F16 : MS_BF16;
}

} // namespace moescope
