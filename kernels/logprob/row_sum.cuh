// The sums of a softmax over part of a row, in one read and in base 2: with t = log2(e) *
// logit_scale * logit, the largest t as m, S = sum 2^(t - m) and W = sum 2^(t - m) (t - m). One
// exponential an element, since the exponential unit could not keep up with two: sums are rescaled
// only when a chunk of logits brings a larger m.
#pragma once

#include "kernels/logprob/vector_elements.cuh"
#include "kernels/routing/warp.cuh"

#include <cfloat>
#include <cmath>

namespace moescope::logprob {

constexpr float kLog2E = 1.4426950408889634f, kLn2 = 0.69314718055994531f;
// Stands for any step down this far or farther: finite, so that its product with a sum of 0 is 0.
constexpr float kLowestStep = -1e30f;

// Two units in the last place; 0 below 2^-126.
__device__ inline float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// The larger; NaN if either is.
__device__ inline float max_nan(float a, float b) {
    float y;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
}

// m is -infinity before the first logit above it. A NaN or +infinity of the row reaches its results
// through S: maxima leave NaN out.
struct RowSum {
    float m = -INFINITY, s = 0, w = 0;
};

// What logits are taken against: 0 as long as all were -infinity, since -infinity less m is NaN.
__device__ inline float base_of(const RowSum &sum) { return sum.m == -INFINITY ? 0.0f : sum.m; }

// Before logits are added of which this is the largest. scale2 = logit_scale * log2(e).
template <bool kWeighted> __device__ inline void raise(RowSum &sum, float largest, float scale2) {
    const float m = largest * scale2;
    if (!(m > sum.m))
        return;
    if (sum.m != -INFINITY) {
        const float step = fmaxf(sum.m - m, kLowestStep);
        const float factor = exp2_fast(step);
        if constexpr (kWeighted)
            sum.w = fmaf(step, sum.s, sum.w) * factor;
        sum.s *= factor;
    }
    sum.m = m;
}

// A term that is 0 adds nothing, also where x is -infinity.
template <bool kWeighted>
__device__ inline void add(float x, float base, float scale2, float &s, float &w) {
    const float below = fmaf(x, scale2, -base);
    const float term = exp2_fast(below);
    s += term;
    if constexpr (kWeighted)
        w = fmaf(term, max_nan(below, -FLT_MAX), w);
}

// Even and odd elements have accumulators of their own, for shorter chains of additions.
template <class T, bool kWeighted, int kVectors>
__device__ inline void add_vectors(RowSum &sum, const uint4 (&v)[kVectors], float scale2) {
    raise<kWeighted>(sum, largest_of<T>(v), scale2);
    const float base = base_of(sum);
    float odd_s = 0, odd_w = 0;
#pragma unroll
    for (int i = 0; i < kVectors; ++i) {
        float x[kVectorElements<T>];
        unpack<T>(v[i], x);
#pragma unroll
        for (int j = 0; j < kVectorElements<T>; j += 2) {
            add<kWeighted>(x[j], base, scale2, sum.s, sum.w);
            add<kWeighted>(x[j + 1], base, scale2, odd_s, odd_w);
        }
    }
    sum.s += odd_s;
    sum.w += odd_w;
}

template <bool kWeighted> __device__ inline void add_one(RowSum &sum, float x, float scale2) {
    raise<kWeighted>(sum, x, scale2);
    add<kWeighted>(x, base_of(sum), scale2, sum.s, sum.w);
}

// Of two disjoint parts.
template <bool kWeighted>
__device__ inline RowSum combine(const RowSum &a, const RowSum &b) {
    RowSum both;
    both.m = fmaxf(a.m, b.m);
    const float step_a = a.m == both.m ? 0.0f : fmaxf(a.m - both.m, kLowestStep);
    const float step_b = b.m == both.m ? 0.0f : fmaxf(b.m - both.m, kLowestStep);
    const float factor_a = exp2_fast(step_a), factor_b = exp2_fast(step_b);
    both.s = a.s * factor_a + b.s * factor_b;
    if constexpr (kWeighted)
        both.w = fmaf(step_a, a.s, a.w) * factor_a + fmaf(step_b, b.s, b.w) * factor_b;
    return both;
}

// The whole warp's, in lane 0; always added in the same order.
template <bool kWeighted> __device__ inline RowSum warp_combine(RowSum sum) {
#pragma unroll
    for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
        RowSum other;
        other.m = __shfl_down_sync(kFullWarp, sum.m, distance);
        other.s = __shfl_down_sync(kFullWarp, sum.s, distance);
        if constexpr (kWeighted)
            other.w = __shfl_down_sync(kFullWarp, sum.w, distance);
        sum = combine<kWeighted>(sum, other);
    }
    return sum;
}

} // namespace moescope::logprob
