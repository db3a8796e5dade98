// The arithmetic of the routings' weights, shared by the CUDA kernels and the references.
#pragma once

#include "kernels/common/host_device.h"
#include "kernels/include/moescope/kernels.h"
#include "kernels/routing/order_key.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace moescope {

// The term of one logit in a softmax over a row whose largest logit is `largest` (NaN sanitised
// before): exp(logit - largest), with infinities as the C interface defines them.
template <class Real> MS_HOST_DEVICE inline Real softmax_term(Real logit, Real largest) {
    if (largest == -Real(INFINITY))
        return 0; // an empty row: nobody gets mass
    return logit == largest ? Real(1) : std::exp(logit - largest);
}

// What a token's weights are divided by, given their sum; see ms_renorm.
template <class Real>
MS_HOST_DEVICE inline Real renorm_divisor(ms_renorm renorm, Real sum, float epsilon) {
    switch (renorm) {
    case MS_RENORM_ADD:
        return sum + epsilon;
    case MS_RENORM_CLAMP:
        return sum > epsilon ? sum : Real(epsilon);
    case MS_RENORM_SKIP:
        return sum > epsilon ? sum : Real(1);
    default:
        return 1;
    }
}

template <class Real>
MS_HOST_DEVICE inline Real final_weight(Real weight, Real divisor, float routed_scaling) {
    return divisor == 0 ? Real(0) : weight / divisor * routed_scaling;
}

// a * b + c, rounded once: the same bits from g++ and nvcc.
MS_HOST_DEVICE inline float multiply_add(float a, float b, float c) { return std::fma(a, b, c); }

// a * b, rounded before it meets a sum: a GPU's compiler would fuse the two, and its bits would not
// be the CPU's.
MS_HOST_DEVICE inline float multiply(float a, float b) {
#if defined(__CUDA_ARCH__)
    return __fmul_rn(a, b);
#else
    return a * b;
#endif
}

// exp(-x) for x >= 0, to about one unit in the last place, subnormal results included. Cody and
// Waite's reduction and the Taylor series, in IEEE operations only: a CPU and a GPU return the same
// bits, and so they select the same experts.
struct ReducedExp {
    static constexpr float kMagic = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer
    float shifted, sum;                          // n + kMagic; exp(-x) = 2^-n * sum

    MS_HOST_DEVICE explicit ReducedExp(float x) {
        shifted = multiply_add(x, 1.44269504f, kMagic); // x ~ n * ln 2
        const float steps = shifted - kMagic;
        const float ln2_high = 0.693359375f; // 10 bits: n * ln2_high is exact
        const float ln2_low = -2.12194440e-4f;
        float r = multiply_add(steps, ln2_high, -x);
        r = multiply_add(steps, ln2_low, r); // sum = exp(r), |r| <= 0.35
        sum = 1.0f / 5040;
        const float coefficients[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6,
                                      0.5f,       1.0f,       1.0f};
        for (float coefficient : coefficients)
            sum = multiply_add(sum, r, coefficient);
    }
};

MS_HOST_DEVICE inline float exp_of_negative(float x) {
    const ReducedExp exp(x < 104.0f ? x
                                    : 104.0f); // less than half of the smallest subnormal: 0 below
    const auto n = std::int32_t(std::bit_cast<std::uint32_t>(exp.shifted) -
                                std::bit_cast<std::uint32_t>(ReducedExp::kMagic));
    const std::int32_t half = n / 2; // in two steps: 2^-n itself may be subnormal
    const auto scale = std::bit_cast<float>(std::uint32_t(127 - half) << 23);
    const auto rest = std::bit_cast<float>(std::uint32_t(127 - (n - half)) << 23);
    return multiply(multiply(exp.sum, scale), rest);
}

// The same bits in fewer steps for x <= kModerateLogit, where the result is normal: its exponent is
// the sum's less n, and kMagic's bits are all above n's.
constexpr float kModerateLogit = 87.0f;
MS_HOST_DEVICE inline float exp_of_moderate_negative(float x) {
    const ReducedExp exp(x);
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(exp.sum) -
                                (std::bit_cast<std::uint32_t>(exp.shifted) << 23));
}

MS_HOST_DEVICE inline float without_nan(float value) {
#if defined(__CUDA_ARCH__)
    return fmaxf(value, -INFINITY); // one instruction; takes the other argument for a NaN
#else
    return value != value ? -INFINITY : value;
#endif
}

// 1 / x for x in [1, 3], rounded correctly. The approximation is within a unit in the last place,
// and from there one step of Newton's ends at the nearest float, but for an x whose bits are all
// ones (Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor",
// 1990).
MS_HOST_DEVICE inline float reciprocal(float x) {
#if defined(__CUDA_ARCH__)
    float rough;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(rough) : "f"(x));
    const float result = fmaf(fmaf(-x, rough, 1.0f), rough, rough);
    return x == 0x1.fffffep0f ? 0x1.000002p-1f : result;
#else
    return 1.0f / x;
#endif
}

// 1 / (1 + exp(-logit)); NaN counts as -infinity. Does not underflow before logit < -103.
MS_HOST_DEVICE inline float sigmoid(float logit) {
    if (logit != logit)
        return 0.0f;
    const float e = exp_of_negative(std::fabs(logit));
    const float share = reciprocal(1.0f + e);
    return logit < 0 ? multiply(e, share) : share;
}

// The same bits for |logit| <= kModerateLogit.
MS_HOST_DEVICE inline float sigmoid_of_moderate(float logit) {
    const float e = exp_of_moderate_negative(std::fabs(logit));
    return multiply(logit < 0 ? e : 1.0f, reciprocal(1.0f + e));
}

// sqrt(log(1 + exp(logit))); NaN counts as -infinity. With e = exp(-|logit|) and s = e / (2 + e),
// log(1 + e) = 2 atanh(s) = 2 s (1 + s^2/3 + s^4/5 + ...), s <= 1/3. IEEE operations only.
MS_HOST_DEVICE inline float sqrt_softplus(float logit) {
    if (logit != logit)
        return 0.0f;
    const float e = exp_of_negative(std::fabs(logit));
    const float s = multiply(e, reciprocal(2.0f + e));
    const float square = multiply(s, s);
    float sum = 1.0f / 15;
    const float coefficients[] = {1.0f / 13, 1.0f / 11, 1.0f / 9, 1.0f / 7, 0.2f, 1.0f / 3, 1.0f};
    for (float coefficient : coefficients)
        sum = multiply_add(sum, square, coefficient);
    return std::sqrt((logit > 0 ? logit : 0.0f) + multiply(2.0f * s, sum));
}

// A softmax whose bits do not depend on the order of its sum: the terms are added as multiples of
// 2^-40. Used where the softmax itself decides who is selected.
struct ExactSoftmax {
    float largest; // of the row's logits, NaN taken for -infinity
    float inverse_mass = 0;

    MS_HOST_DEVICE float term(float logit) const {
        if (largest == -INFINITY)
            return 0;
        return logit == largest ? 1.0f : exp_of_negative(largest - logit);
    }
    MS_HOST_DEVICE std::uint64_t fixed_term(float logit) const {
        const float scaled = term(logit) * 1099511627776.0f;
#if defined(__CUDA_ARCH__)
        return __float2ull_rn(scaled);
#else
        return std::uint64_t(std::llrint(scaled));
#endif
    }
    // sum: of fixed_term over the row.
    MS_HOST_DEVICE void set_mass(std::uint64_t sum) {
        inverse_mass = sum > 0 ? 1.0f / (float(sum) * 0x1p-40f) : 0.0f;
    }
    MS_HOST_DEVICE float share(float logit) const { return multiply(term(logit), inverse_mass); }
};

// Whether the experts are ordered by their logits alone.
MS_HOST_DEVICE inline bool orders_by_logit(const ms_topk_args &args) {
    if (args.bias || args.score == MS_SCORE_SIGMOID || args.score == MS_SCORE_SQRT_SOFTPLUS)
        return false;
    return args.score != MS_SCORE_SOFTMAX || args.groups_kept == args.groups ||
           args.group_score == MS_GROUP_MAX;
}

// What an expert is selected by, NaN taken for -infinity. `softmax` is looked at only where a
// softmax decides and may otherwise be anything; `bias` is the expert's.
MS_HOST_DEVICE inline float choice_of(const ms_topk_args &args, float logit, float bias,
                                      const ExactSoftmax &softmax) {
    logit = without_nan(logit);
    if (orders_by_logit(args))
        return logit;
    switch (args.score) {
    case MS_SCORE_SOFTMAX:
        return without_nan(softmax.share(logit) + bias);
    case MS_SCORE_SIGMOID:
        return without_nan(sigmoid(logit) + bias);
    case MS_SCORE_SQRT_SOFTPLUS:
        return without_nan(sqrt_softplus(logit) + bias);
    default:
        return without_nan(logit + bias);
    }
}

// The choice of an expert whose group was not kept.
MS_HOST_DEVICE inline float masked_choice(const ms_topk_args &args) {
    return args.masked_fill == MS_MASKED_ZERO_COMPAT && !orders_by_logit(args) ? 0.0f : -INFINITY;
}

// The key of a group's score from those of its two best choices; `second` is 0 in a group of one.
MS_HOST_DEVICE inline std::uint32_t group_key(const ms_topk_args &args, std::uint32_t best,
                                              std::uint32_t second) {
    if (args.group_score == MS_GROUP_MAX || second == 0)
        return best;
    return order_key(order_key_value(best) + order_key_value(second));
}

} // namespace moescope
