// Summing what the experts of a token answered, and spreading its gradient. Bound by memory: every
// row is read (or written) once, 16 bytes an access, and several rows are in flight a thread.
#include "kernels/common/cuda_check.h"
#include "kernels/mlp/block_sums.cuh"
#include "kernels/mlp/mlp_checks.h"
#include "kernels/mlp/row_vector.cuh"

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 256;

// The row of y that belongs to a slot, -1 for none.
__device__ int row_of(const std::int32_t *inverse, bool grouped, int slot) {
    if (inverse == nullptr)
        return slot;
    const int position = __ldg(inverse + slot);
    return position < 0 || grouped ? position : slot;
}

__device__ float weight_of(const float *weights, int slot) {
    return weights ? __ldg(weights + slot) : 1.0f;
}

// ---- Forward: a thread makes kCount neighbouring columns of one token
// ---------------------------------------------------------

template <class In, class Out, int kCount>
__global__ void __launch_bounds__(kThreads)
    combine_kernel(const __grid_constant__ ms_combine_args args, int row_chunks) {
    constexpr int kInFlight = sizeof(In) == 4 ? 2 : 4; // rows loaded before any is summed
    const auto [token, column] = find_chunk<kCount>(row_chunks);
    if (token >= args.tokens)
        return;
    const In *y = static_cast<const In *>(args.y) + column;
    const int first_slot = int(token) * args.top_k;
    float sums[kCount] = {};
    for (int j = 0; j < args.top_k; j += kInFlight) {
        RowVector<In, kCount> loaded[kInFlight];
        float weights[kInFlight];
#pragma unroll
        for (int i = 0; i < kInFlight; ++i) {
            const int slot = first_slot + j + i;
            const int row = j + i < args.top_k ? row_of(args.inverse, args.y_grouped, slot) : -1;
            loaded[i] = row >= 0 ? RowVector<In, kCount>::load(y + row * args.y_stride)
                                 : RowVector<In, kCount>::zero();
            weights[i] = row >= 0 ? weight_of(args.weights, slot) : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < kInFlight; ++i) {
            float values[kCount];
            loaded[i].widen_to(values);
#pragma unroll
            for (int c = 0; c < kCount; ++c)
                sums[c] = fmaf(weights[i], values[c], sums[c]);
        }
    }
    RowVector<Out, kCount>::from(sums).store(static_cast<Out *>(args.out) +
                                             token * args.out_stride + column);
}

template <class In, class Out, int kCount>
ms_status launch_combine(const ms_combine_args &args, ms_stream stream) {
    const int row_chunks = args.width / kCount;
    unsigned blocks = 0;
    if (const ms_status status = blocks_for("ms_combine", args.tokens * row_chunks, kThreads, blocks))
        return status;
    combine_kernel<In, Out, kCount><<<blocks, kThreads, 0, stream>>>(args, row_chunks);
    MS_LAUNCH_CHECK();
    return succeed();
}

template <class In, class Out>
ms_status launch_combine(const ms_combine_args &args, ms_stream stream) {
    return rows_of_8(args.y, args.y_stride, sizeof(In), args.width) &&
                   rows_of_8(args.out, args.out_stride, sizeof(Out), args.width)
               ? launch_combine<In, Out, 8>(args, stream)
               : launch_combine<In, Out, 1>(args, stream);
}

// ---- Backward: a block spreads one token's gradient
// ---------------------------------------------------------------------------

constexpr int kSlotsAtOnce = 4; // slots whose dot products a block sums at a time

template <class T, class Dout, int kCount>
__global__ void __launch_bounds__(kThreads)
    combine_backward_kernel(const __grid_constant__ ms_combine_backward_args args) {
    __shared__ float of_warps[kSlotsAtOnce][kThreads / 32];
    const std::int64_t token = blockIdx.x;
    const Dout *dout = static_cast<const Dout *>(args.dout) + token * args.dout_stride;
    const T *y = static_cast<const T *>(args.y);
    T *dy = static_cast<T *>(args.dy);
    for (int j = 0; j < args.top_k; j += kSlotsAtOnce) {
        const int first_slot = int(token) * args.top_k + j;
        int rows[kSlotsAtOnce];
        float weights[kSlotsAtOnce];
        float dots[kSlotsAtOnce] = {};
#pragma unroll
        for (int i = 0; i < kSlotsAtOnce; ++i) {
            const bool exists = j + i < args.top_k;
            rows[i] = exists ? row_of(args.inverse, args.y_grouped, first_slot + i) : -1;
            weights[i] = rows[i] >= 0 ? weight_of(args.weights, first_slot + i) : 0.0f;
        }
        for (int column = int(threadIdx.x) * kCount; column < args.width;
             column += int(blockDim.x) * kCount) {
            RowVector<T, kCount> loaded[kSlotsAtOnce];
            if (args.dweights)
#pragma unroll
                for (int i = 0; i < kSlotsAtOnce; ++i)
                    loaded[i] = rows[i] >= 0
                                    ? RowVector<T, kCount>::load(y + rows[i] * args.y_stride + column)
                                    : RowVector<T, kCount>::zero();
            float gradient[kCount];
            RowVector<Dout, kCount>::load(dout + column).widen_to(gradient);
#pragma unroll
            for (int i = 0; i < kSlotsAtOnce; ++i) {
                float values[kCount];
                if (args.dweights) {
                    loaded[i].widen_to(values);
#pragma unroll
                    for (int c = 0; c < kCount; ++c)
                        dots[i] = fmaf(gradient[c], values[c], dots[i]);
                }
                if (!dy || rows[i] < 0)
                    continue;
#pragma unroll
                for (int c = 0; c < kCount; ++c)
                    values[c] = weights[i] * gradient[c];
                RowVector<T, kCount>::from(values).store(dy + rows[i] * args.dy_stride + column);
            }
        }
        if (!args.dweights)
            continue;
        const float sum = sum_over_block(dots, of_warps);
        if (threadIdx.x < kSlotsAtOnce && j + int(threadIdx.x) < args.top_k) {
            const bool present = row_of(args.inverse, args.y_grouped,
                                        first_slot + int(threadIdx.x)) >= 0;
            args.dweights[first_slot + threadIdx.x] = present ? sum : 0.0f;
        }
        __syncthreads(); // of_warps is read before the next slots overwrite it
    }
}

template <class T, class Dout, int kCount>
ms_status launch_backward(const ms_combine_backward_args &args, ms_stream stream) {
    const int chunks = (args.width + kCount - 1) / kCount;
    const int threads = std::min(kThreads, (chunks + 31) / 32 * 32);
    combine_backward_kernel<T, Dout, kCount>
        <<<unsigned(args.tokens), threads, 0, stream>>>(args);
    MS_LAUNCH_CHECK();
    return succeed();
}

template <class T, class Dout>
ms_status launch_backward(const ms_combine_backward_args &args, ms_stream stream) {
    const bool vectors =
        rows_of_8(args.dout, args.dout_stride, sizeof(Dout), args.width) &&
        (!args.dweights || rows_of_8(args.y, args.y_stride, sizeof(T), args.width)) &&
        (!args.dy || rows_of_8(args.dy, args.dy_stride, sizeof(T), args.width));
    return vectors ? launch_backward<T, Dout, 8>(args, stream)
                   : launch_backward<T, Dout, 1>(args, stream);
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_combine(const ms_combine_args *args, ms_stream stream) {
    using namespace moescope;
    ms_combine_args full;
    if (const ms_status status = check_combine(args, full))
        return status;
    if (full.tokens == 0)
        return succeed();
    if (full.dtype == MS_F16)
        return full.out_dtype == MS_F32 ? launch_combine<__half, float>(full, stream)
                                        : launch_combine<__half, __half>(full, stream);
    if (full.dtype == MS_BF16)
        return full.out_dtype == MS_F32
                   ? launch_combine<__nv_bfloat16, float>(full, stream)
                   : launch_combine<__nv_bfloat16, __nv_bfloat16>(full, stream);
    if (full.out_dtype == MS_F16)
        return launch_combine<float, __half>(full, stream);
    return full.out_dtype == MS_BF16 ? launch_combine<float, __nv_bfloat16>(full, stream)
                                     : launch_combine<float, float>(full, stream);
}

extern "C" ms_status ms_combine_backward(const ms_combine_backward_args *args, ms_stream stream) {
    using namespace moescope;
    ms_combine_backward_args full;
    if (const ms_status status = check_combine_backward(args, full))
        return status;
    if (full.tokens == 0)
        return succeed();
    if (full.dtype == MS_F32)
        return launch_backward<float, float>(full, stream);
    if (full.dtype == MS_F16)
        return full.dout_dtype == MS_F32 ? launch_backward<__half, float>(full, stream)
                                         : launch_backward<__half, __half>(full, stream);
    return full.dout_dtype == MS_F32 ? launch_backward<__nv_bfloat16, float>(full, stream)
                                     : launch_backward<__nv_bfloat16, __nv_bfloat16>(full, stream);
}
