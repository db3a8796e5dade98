// The arithmetic of the routings' weights, shared by the CUDA kernels and the references.
#pragma once

#include "kernels/common/host_device.h"
#include "kernels/include/moescope/kernels.h"

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

// A product and a sum that no compiler may fuse: the same bits from g++ and nvcc.
MS_HOST_DEVICE inline float multiply_then_add(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
    return __fadd_rn(__fmul_rn(a, b), c);
#else
    return a * b + c;
#endif
}

// exp(-x) for x >= 0, to about one unit in the last place, subnormal results included. Cody and
// Waite's reduction and the Taylor series, in IEEE operations only: a CPU and a GPU return the same
// bits, and so they select the same experts.
MS_HOST_DEVICE inline float exp_of_negative(float x) {
    if (!(x < 104.0f))
        return 0.0f; // less than half of the smallest subnormal
    const auto n = std::int32_t(multiply_then_add(x, 1.44269504f, 0.5f)); // x ~ n * ln 2
    const float ln2_high = 0.693359375f; // 10 bits: n * ln2_high is exact
    const float ln2_low = -2.12194440e-4f;
    float r = multiply_then_add(float(n), ln2_high, -x);
    r = multiply_then_add(float(n), ln2_low, r); // exp(-x) = 2^-n * exp(r), |r| <= 0.35
    float sum = 1.0f / 5040;
    const float coefficients[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
    for (float coefficient : coefficients)
        sum = multiply_then_add(sum, r, coefficient);
    const std::int32_t half = n / 2; // in two steps: 2^-n itself may be subnormal
    const auto scale = std::bit_cast<float>(std::uint32_t(127 - half) << 23);
    const auto rest = std::bit_cast<float>(std::uint32_t(127 - (n - half)) << 23);
    return sum * scale * rest;
}

// 1 / (1 + exp(-logit)); NaN counts as -infinity. Does not underflow before logit < -103.
MS_HOST_DEVICE inline float sigmoid(float logit) {
    if (logit != logit)
        return 0.0f;
    const float e = exp_of_negative(std::fabs(logit));
    return (logit < 0 ? e : 1.0f) / (1.0f + e);
}

} // namespace moescope
