// The last step of both reference routings: renormalise and scale a token's selected weights.
#pragma once

#include "kernels/routing/routing_math.h"

#include <cstdint>

namespace moescope::reference {

// weights [k] hold the selected scores in float32; Args is ms_softmax_topk_args or
// ms_sigmoid_topk_args.
template <class Args> void finish_weights(const Args &args, float *weights) {
    double sum = 0;
    for (std::int32_t i = 0; i < args.top_k; ++i)
        sum += weights[i];
    const double divisor = renorm_divisor(args.renorm, sum, args.renorm_epsilon);
    for (std::int32_t i = 0; i < args.top_k; ++i)
        weights[i] = float(final_weight<double>(weights[i], divisor, args.routed_scaling));
}

} // namespace moescope::reference
