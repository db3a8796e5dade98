// The routing kernels' arguments as a model's router sets them; the caller adds the pointers.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "profiler/model/model_shape.h"

#include <cstdint>

namespace moescope {

// float32 logits [tokens, E]. A top-k-then-softmax router (gpt-oss) is softmax, top-k and a plain
// renormalisation: the two agree.
ms_softmax_topk_args softmax_args(const ModelShape &model, std::int64_t tokens);
ms_sigmoid_topk_args sigmoid_args(const ModelShape &model, std::int64_t tokens);

} // namespace moescope
