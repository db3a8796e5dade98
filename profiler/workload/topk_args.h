// The routing kernels' arguments as a model's router sets them; the caller adds the pointers.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "profiler/model/model_shape.h"

#include <cstdint>

namespace moescope {

// The model's own router: logits [tokens, E] of the dtype it has for them, score, groups,
// renormalisation. The bias is one of the pointers.
ms_topk_args topk_args(const ModelShape &model, std::int64_t tokens);

// A plain softmax over all experts of float32 logits, whatever the model's router is.
ms_topk_args plain_softmax_args(const ModelShape &model, std::int64_t tokens);

} // namespace moescope
