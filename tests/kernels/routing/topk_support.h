// Cases of the top-k routings, for the reference's tests and the CUDA kernels' alike.
#pragma once

#include "kernels/common/float_types.h"
#include "kernels/include/moescope/kernels.h"

#include <algorithm>
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

inline ms_topk_args topk_args(std::int64_t tokens, std::int32_t experts, std::int32_t top_k) {
    ms_topk_args args{};
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

// A routing of every kind there is: any score, bias, groups, fill, renormalisation, rounding and
// dtype of logits. bias: [experts] host values.
inline ms_topk_args random_routing(std::int64_t tokens, std::int32_t experts,
                                   const std::vector<float> &bias, std::mt19937_64 &random) {
    const auto below = [&](int count) { return std::int32_t(random() % std::uint64_t(count)); };
    auto args = topk_args(tokens, experts, 1);
    args.logits_dtype = below(3);
    args.logits_stride = experts + (below(2) ? 0 : below(9));
    args.score = below(5);
    args.bias = below(2) ? bias.data() : nullptr;
    std::vector<std::int32_t> divisors;
    for (std::int32_t groups = 1; groups <= std::min(experts, 64); ++groups)
        if (experts % groups == 0)
            divisors.push_back(groups);
    args.groups = below(2) ? 1 : divisors[std::size_t(below(int(divisors.size())))];
    args.groups_kept = 1 + below(args.groups);
    args.group_score = below(2);
    args.masked_fill = below(2);
    const std::int32_t most = args.groups_kept * (experts / args.groups);
    args.top_k = 1 + below(std::min(most, below(4) ? 16 : 70));
    args.renorm = below(4);
    args.renorm_epsilon = args.renorm == MS_RENORM_NONE || below(2) ? 0.0f : 1e-12f;
    args.routed_scaling = below(2) ? 1.0f : 2.5f;
    args.weights_round = below(2) ? MS_F32 : below(3);
    return args;
}

} // namespace moescope::test
