// When two variants of an operator agree: by how much their outputs may differ.
#pragma once

#include "profiler/model/model_shape.h"

namespace moescope {

// The largest ||y - ref|| / ||ref|| that rounding explains. Both outputs are rounded once to the
// dtype, and the LoRA intermediate once more: a few units in the last place (2^-9 for bf16, 2^-12
// for f16), taken together over all elements. f32 differs by the order of its sums alone.
constexpr double agreement_limit(DType dtype) {
    return dtype == DType::BF16 ? 1e-2 : dtype == DType::F16 ? 2e-3 : 1e-5;
}

} // namespace moescope
