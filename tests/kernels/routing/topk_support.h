// Cases of the two top-k routings, for the reference's tests and the CUDA kernels' alike.
#pragma once

#include "kernels/common/float_types.h"
#include "kernels/include/moescope/kernels.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace moescope::test {

struct Selection {
    std::vector<float> weights;    // [T, k]
    std::vector<std::int32_t> ids; // [T, k]
};

inline ms_softmax_topk_args softmax_args(std::int64_t tokens, std::int32_t experts,
                                         std::int32_t top_k) {
    ms_softmax_topk_args args{};
    args.struct_size = sizeof args;
    args.logits_stride = experts;
    args.tokens = tokens;
    args.experts = experts;
    args.top_k = top_k;
    args.routed_scaling = 1.0f;
    return args;
}

inline ms_sigmoid_topk_args sigmoid_args(std::int64_t tokens, std::int32_t experts,
                                         std::int32_t top_k) {
    ms_sigmoid_topk_args args{};
    args.struct_size = sizeof args;
    args.logits_stride = experts;
    args.tokens = tokens;
    args.experts = experts;
    args.top_k = top_k;
    args.groups = 1;
    args.groups_kept = 1;
    args.routed_scaling = 1.0f;
    return args;
}

// Runs a reference on host memory. `logits` holds elements of args.logits_dtype.
template <class Args, class Logits>
Selection run_reference(ms_status (*reference)(const Args *, ms_stream), Args args,
                        const std::vector<Logits> &logits, ms_status &status) {
    Selection out;
    out.weights.assign(std::size_t(args.tokens * args.top_k), -7.0f);
    out.ids.assign(std::size_t(args.tokens * args.top_k), -7);
    args.logits = logits.data();
    args.weights = out.weights.data();
    args.ids = out.ids.data();
    status = reference(&args, nullptr);
    return out;
}

// Logits as unfriendly as they come: ties, both zeros, infinities, NaNs, whole rows of them.
inline std::vector<float> wild_logits(std::int64_t tokens, std::int64_t stride,
                                      std::mt19937_64 &random) {
    constexpr float inf = std::numeric_limits<float>::infinity();
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    const float specials[] = {inf, -inf, nan, -nan, 0.0f, -0.0f, 3e38f, -3e38f, 1e-40f, -1e-40f};
    std::vector<float> logits(std::size_t(tokens * stride));
    for (std::int64_t token = 0; token < tokens; ++token) {
        const auto mood = random() % 5;
        for (std::int64_t i = 0; i < stride; ++i) {
            float &logit = logits[std::size_t(token * stride + i)];
            logit = float(int(random() % 33) - 16) / 4; // many ties
            if (mood == 1 && random() % 3 == 0)
                logit = specials[random() % std::size(specials)];
            else if (mood == 2)
                logit = random() % 2 ? -inf : nan; // an empty row
            else if (mood == 3)
                logit = random() % 2 ? 0.0f : -0.0f; // nothing but ties
        }
    }
    return logits;
}

} // namespace moescope::test
