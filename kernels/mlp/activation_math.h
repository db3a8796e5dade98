// The activations and their derivatives, once for the CPU (double) and the GPU (float).
#pragma once

#include "kernels/common/host_device.h"
#include "kernels/include/moescope/mlp.h"

#include <cmath>

namespace moescope {


template <class Real> MS_HOST_DEVICE inline Real exp_of(Real x) {
#if defined(__CUDA_ARCH__)
    return __expf(x); // 2 units in the last place and 1.2 |x|: far below a 16-bit result's half unit
#else
    return std::exp(x);
#endif
}

template <class Real> MS_HOST_DEVICE inline Real quotient(Real a, Real b) {
#if defined(__CUDA_ARCH__)
    return __fdividef(a, b);
#else
    return a / b;
#endif
}

template <class Real> MS_HOST_DEVICE inline Real erf_of(Real x) {
#if defined(__CUDA_ARCH__)
    return erff(x);
#else
    return std::erf(x);
#endif
}

template <class Real> MS_HOST_DEVICE inline Real sigmoid_of(Real x) {
    return quotient(Real(1), Real(1) + exp_of(-x));
}

// act(x) and its derivative.
template <class Real> struct ValueAndSlope {
    Real value, slope;
};

// x * sigmoid(u(x)), of whose argument u and derivative du are given.
template <class Real> MS_HOST_DEVICE inline ValueAndSlope<Real> swish(Real x, Real u, Real du) {
    const Real s = sigmoid_of(u), value = x * s;
    return {value, s + value * (Real(1) - s) * du};
}

template <class Real>
MS_HOST_DEVICE inline ValueAndSlope<Real> activate(ms_activation kind, Real alpha, Real x) {
    switch (kind) {
    case MS_ACT_SILU:
        return swish(x, x, Real(1));
    case MS_ACT_CLAMPED_SWISH:
        return swish(x, alpha * x, alpha);
    case MS_ACT_GELU_TANH: { // (1 + tanh(u/2)) / 2 = sigmoid(u)
        constexpr Real kTwice = Real(1.5957691216057308), kCubic = Real(0.044715); // 2 sqrt(2/pi)
        return swish(x, kTwice * (x + kCubic * x * x * x), kTwice * (Real(1) + 3 * kCubic * x * x));
    }
    case MS_ACT_GELU: {
        constexpr Real kRootHalf = Real(0.70710678118654752), kDensity = Real(0.39894228040143268);
        const Real phi = Real(0.5) * (Real(1) + erf_of(x * kRootHalf));
        return {x * phi, phi + x * kDensity * exp_of(Real(-0.5) * x * x)};
    }
    default: { // MS_ACT_RELU2; NaN stays NaN
        const Real positive = x < Real(0) ? Real(0) : x;
        return {positive * positive, 2 * positive};
    }
    }
}

// act(gate) * up and its derivatives.
template <class Real> struct GatedValue {
    Real value, by_gate, by_up;
};

template <class Real>
MS_HOST_DEVICE inline GatedValue<Real> activate_gated(ms_activation kind, Real alpha, Real limit,
                                                      Real gate, Real up) {
    if (kind != MS_ACT_CLAMPED_SWISH) {
        const ValueAndSlope<Real> act = activate(kind, alpha, gate);
        return {act.value * up, act.slope * up, act.value};
    }
    // At a limit itself the slope is 0, as PyTorch's clamp has it.
    const bool gate_cut = gate >= limit, up_cut = up >= limit || up <= -limit;
    const Real factor = Real(1) + (up > limit ? limit : up < -limit ? -limit : up);
    const ValueAndSlope<Real> act = activate(kind, alpha, gate_cut ? limit : gate);
    return {act.value * factor, gate_cut ? Real(0) : act.slope * factor,
            up_cut ? Real(0) : act.value};
}

} // namespace moescope
