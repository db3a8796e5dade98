#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/common/status.h"
#include "kernels/reference.h"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/selected_weights.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace moescope::reference {

namespace {

void route_token(const ms_softmax_topk_args &args, std::int64_t token,
                 std::vector<std::uint64_t> &keys) {
    for (std::int32_t expert = 0; expert < args.experts; ++expert)
        keys[expert] = rank_key(
            load_as_float(args.logits, args.logits_dtype, token * args.logits_stride + expert),
            expert);
    std::partial_sort(keys.begin(), keys.begin() + args.top_k, keys.end(), std::greater<>());

    const double largest = rank_key_value(keys[0]);
    double mass = 0;
    for (std::uint64_t key : keys)
        mass += softmax_term<double>(rank_key_value(key), largest);

    float *weights = args.weights + token * args.top_k;
    for (std::int32_t i = 0; i < args.top_k; ++i) {
        const double term = softmax_term<double>(rank_key_value(keys[i]), largest);
        weights[i] = mass > 0 ? float(term / mass) : 0.0f;
        args.ids[token * args.top_k + i] = rank_key_index(keys[i]);
    }
    finish_weights(args, weights);
}

} // namespace

ms_status softmax_topk(const ms_softmax_topk_args *args, ms_stream /*stream*/) {
    ms_softmax_topk_args full;
    if (const ms_status status = check_softmax_topk(args, full); status != MS_OK)
        return status;
    parallel_for(full.tokens, 1 + 8192 / full.experts, [&](std::int64_t begin, std::int64_t end) {
        std::vector<std::uint64_t> keys(full.experts);
        for (std::int64_t token = begin; token < end; ++token)
            route_token(full, token, keys);
    });
    return succeed();
}

} // namespace moescope::reference
