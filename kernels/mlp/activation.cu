// The activation between the two matrix products, and its gradient. Bound by memory: 16 bytes an
// access, everything read and written once.
#include "kernels/common/cuda_check.h"
#include "kernels/mlp/activation_math.h"
#include "kernels/mlp/block_sums.cuh"
#include "kernels/mlp/mlp_checks.h"
#include "kernels/mlp/row_vector.cuh"

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 256;

// The slot of a row, -1 for a row that does not count.
__device__ int slot_of(const std::int32_t *slots, std::int64_t row) {
    return slots ? __ldg(slots + row) : int(row);
}
__device__ float weight_of(const float *weights, int slot) {
    return weights ? __ldg(weights + slot) : 1.0f;
}

// Gates and ups of kCount output columns, from one row of h or into it.
template <class T, int kCount> struct GateUp {
    float gate[kCount], up[kCount];

    template <class Args>
    __device__ static GateUp load(const Args &args, const T *row, std::int64_t column) {
        GateUp made;
        if (args.gated && args.interleaved) {
            float mixed[2][kCount];
            RowVector<T, kCount>::load(row + 2 * column).widen_to(mixed[0]);
            RowVector<T, kCount>::load(row + 2 * column + kCount).widen_to(mixed[1]);
#pragma unroll
            for (int i = 0; i < kCount; ++i) {
                made.gate[i] = mixed[2 * i / kCount][2 * i % kCount];
                made.up[i] = mixed[(2 * i + 1) / kCount][(2 * i + 1) % kCount];
            }
            return made;
        }
        const RowVector<T, kCount> gate = RowVector<T, kCount>::load(row + column);
        const RowVector<T, kCount> up =
            args.gated ? RowVector<T, kCount>::load(row + args.width + column) : gate;
        gate.widen_to(made.gate);
        up.widen_to(made.up);
        return made;
    }

    template <class Args>
    __device__ void store(const Args &args, T *row, std::int64_t column) const {
        if (!args.gated || !args.interleaved) {
            RowVector<T, kCount>::from(gate).store(row + column);
            if (args.gated)
                RowVector<T, kCount>::from(up).store(row + args.width + column);
            return;
        }
        float mixed[2][kCount];
#pragma unroll
        for (int i = 0; i < kCount; ++i) {
            mixed[2 * i / kCount][2 * i % kCount] = gate[i];
            mixed[(2 * i + 1) / kCount][(2 * i + 1) % kCount] = up[i];
        }
        RowVector<T, kCount>::from(mixed[0]).store(row + 2 * column);
        RowVector<T, kCount>::from(mixed[1]).store(row + 2 * column + kCount);
    }
};

// Calls body with the kind as a compile-time constant, so that the choice is made once a thread.
template <ms_activation kKind> struct Kind {
    static constexpr ms_activation kValue = kKind;
};
template <class Body> __device__ void with_kind(ms_activation kind, Body body) {
    switch (kind) {
    case MS_ACT_SILU:
        return body(Kind<MS_ACT_SILU>());
    case MS_ACT_GELU:
        return body(Kind<MS_ACT_GELU>());
    case MS_ACT_GELU_TANH:
        return body(Kind<MS_ACT_GELU_TANH>());
    case MS_ACT_CLAMPED_SWISH:
        return body(Kind<MS_ACT_CLAMPED_SWISH>());
    default:
        return body(Kind<MS_ACT_RELU2>());
    }
}

template <class Args>
__device__ GatedValue<float> value_of(const Args &args, ms_activation kind, float gate, float up) {
    if (args.gated)
        return activate_gated(kind, args.alpha, args.limit, gate, up);
    const ValueAndSlope<float> act = activate(kind, args.alpha, gate);
    return {act.value, act.slope, 0};
}

template <class T, int kCount>
__global__ void __launch_bounds__(kThreads)
    gated_activation_kernel(const __grid_constant__ ms_gated_activation_args args, int row_chunks) {
    const auto [row, column] = find_chunk<kCount>(row_chunks);
    if (row >= args.rows)
        return;
    const int slot = slot_of(args.slots, row);
    if (slot < 0)
        return;
    const T *h = static_cast<const T *>(args.h) + row * args.h_stride;
    const auto in = GateUp<T, kCount>::load(args, h, column);
    const float weight = weight_of(args.weights, slot);
    float out[kCount];
    with_kind(args.kind, [&](auto kind) {
#pragma unroll
        for (int i = 0; i < kCount; ++i)
            out[i] = weight * value_of(args, kind.kValue, in.gate[i], in.up[i]).value;
    });
    RowVector<T, kCount>::from(out).store(static_cast<T *>(args.out) + row * args.out_stride +
                                          column);
}

// A block a row, because dweights sums over it.
template <class T, int kCount>
__global__ void __launch_bounds__(kThreads) gated_activation_backward_kernel(
    const __grid_constant__ ms_gated_activation_backward_args args) {
    __shared__ float of_warps[1][kThreads / 32];
    const std::int64_t row = blockIdx.x;
    const int slot = slot_of(args.slots, row);
    if (slot < 0)
        return;
    const float weight = weight_of(args.weights, slot);
    const T *h = static_cast<const T *>(args.h) + row * args.h_stride;
    const T *dout = static_cast<const T *>(args.dout) + row * args.dout_stride;
    T *dh = static_cast<T *>(args.dh) + row * args.dh_stride;
    T *out = static_cast<T *>(args.out) + row * args.out_stride;
    float dots[1] = {};
    for (int column = int(threadIdx.x) * kCount; column < args.width;
         column += int(blockDim.x) * kCount) {
        const auto in = GateUp<T, kCount>::load(args, h, column);
        float gradient[kCount], made[kCount];
        RowVector<T, kCount>::load(dout + column).widen_to(gradient);
        GateUp<T, kCount> slopes;
        with_kind(args.kind, [&](auto kind) {
#pragma unroll
            for (int i = 0; i < kCount; ++i) {
                const GatedValue<float> act = value_of(args, kind.kValue, in.gate[i], in.up[i]);
                dots[0] = fmaf(gradient[i], act.value, dots[0]);
                slopes.gate[i] = weight * gradient[i] * act.by_gate;
                slopes.up[i] = weight * gradient[i] * act.by_up;
                made[i] = weight * act.value;
            }
        });
        slopes.store(args, dh, column);
        if (args.out)
            RowVector<T, kCount>::from(made).store(out + column);
    }
    if (!args.dweights)
        return;
    const float sum = sum_over_block(dots, of_warps);
    if (threadIdx.x == 0)
        args.dweights[slot] = sum;
}

// Whether the columns of h, too, are made of vectors of 8: the ups of halves begin at column I.
template <class T, class Args> bool h_of_8(const Args &args) {
    return rows_of_8(args.h, args.h_stride, sizeof(T), args.width);
}

template <class T, int kCount>
ms_status launch(const ms_gated_activation_args &args, ms_stream stream) {
    const int row_chunks = args.width / kCount;
    unsigned blocks = 0;
    if (const ms_status status =
            blocks_for("ms_gated_activation", args.rows * row_chunks, kThreads, blocks))
        return status;
    gated_activation_kernel<T, kCount><<<blocks, kThreads, 0, stream>>>(args, row_chunks);
    MS_LAUNCH_CHECK();
    return succeed();
}
template <class T> ms_status launch(const ms_gated_activation_args &args, ms_stream stream) {
    const bool vectors =
        h_of_8<T>(args) && rows_of_8(args.out, args.out_stride, sizeof(T), args.width);
    return vectors ? launch<T, 8>(args, stream) : launch<T, 1>(args, stream);
}

template <class T, int kCount>
ms_status launch(const ms_gated_activation_backward_args &args, ms_stream stream) {
    const int chunks = (args.width + kCount - 1) / kCount;
    const int threads = std::min(kThreads, (chunks + 31) / 32 * 32);
    gated_activation_backward_kernel<T, kCount>
        <<<unsigned(args.rows), threads, 0, stream>>>(args);
    MS_LAUNCH_CHECK();
    return succeed();
}
template <class T>
ms_status launch(const ms_gated_activation_backward_args &args, ms_stream stream) {
    const bool vectors =
        h_of_8<T>(args) && rows_of_8(args.dout, args.dout_stride, sizeof(T), args.width) &&
        rows_of_8(args.dh, args.dh_stride, sizeof(T), args.width) &&
        (!args.out || rows_of_8(args.out, args.out_stride, sizeof(T), args.width));
    return vectors ? launch<T, 8>(args, stream) : launch<T, 1>(args, stream);
}

template <class Args> ms_status launch_any(const Args &args, ms_stream stream) {
    if (args.rows == 0)
        return succeed();
    if (args.dtype == MS_F32)
        return launch<float>(args, stream);
    return args.dtype == MS_F16 ? launch<__half>(args, stream)
                                : launch<__nv_bfloat16>(args, stream);
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_gated_activation(const ms_gated_activation_args *args, ms_stream stream) {
    using namespace moescope;
    ms_gated_activation_args full;
    if (const ms_status status = check_gated_activation(args, full))
        return status;
    return launch_any(full, stream);
}

extern "C" ms_status ms_gated_activation_backward(const ms_gated_activation_backward_args *args,
                                                  ms_stream stream) {
    using namespace moescope;
    ms_gated_activation_backward_args full;
    if (const ms_status status = check_gated_activation_backward(args, full))
        return status;
    return launch_any(full, stream);
}
