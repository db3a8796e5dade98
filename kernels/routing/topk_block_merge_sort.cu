#include "kernels/common/cuda_check.h"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_math.h"
#include "kernels/routing/topk_variants.h"

#include <cub/block/block_merge_sort.cuh>
#include <cub/block/block_reduce.cuh>

#include <cstdint>

namespace moescope {

namespace {

struct DescendingKeys {
    __device__ bool operator()(std::uint64_t a, std::uint64_t b) const { return a > b; }
};

// kThreads * kItems >= E. After the sort thread t holds ranks t * kItems ...
template <int kThreads, int kItems>
__global__ void __launch_bounds__(kThreads)
    topk_block_merge_sort_kernel(const __grid_constant__ ms_topk_args args) {
    using Sort = cub::BlockMergeSort<std::uint64_t, kThreads, kItems>;
    using Reduce = cub::BlockReduce<float, kThreads>;
    __shared__ union {
        typename Sort::TempStorage sort;
        typename Reduce::TempStorage reduce;
    } scratch;
    __shared__ float largest, mass, divisor;

    const int thread = int(threadIdx.x);
    const std::int64_t token = blockIdx.x;
    float logits[kItems];
    load_row(args.logits, args.logits_dtype, token * args.logits_stride, thread, kThreads,
             args.experts, 0.0f, logits);
    std::uint64_t keys[kItems];
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        const int expert = i * kThreads + thread;
        keys[i] =
            expert < args.experts ? rank_key(logits[i], expert) : 0; // 0 sorts behind every expert
    }
    Sort(scratch.sort).Sort(keys, DescendingKeys());

    if (thread == 0)
        largest = rank_key_value(keys[0]);
    __syncthreads();
    float terms[kItems], sum = 0;
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        terms[i] = thread * kItems + i < args.experts
                       ? softmax_term(rank_key_value(keys[i]), largest)
                       : 0.0f;
        sum += terms[i];
    }
    sum = Reduce(scratch.reduce).Sum(sum);
    if (thread == 0)
        mass = sum;
    __syncthreads();

    float weights[kItems];
    sum = 0;
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        const bool selected = thread * kItems + i < args.top_k;
        weights[i] = selected && mass > 0 ? terms[i] / mass : 0.0f;
        sum += weights[i];
    }
    if (args.renorm == MS_RENORM_NONE) {
        if (thread == 0)
            divisor = 1;
    } else {
        sum = Reduce(scratch.reduce).Sum(sum);
        if (thread == 0)
            divisor = renorm_divisor(args.renorm, sum, args.renorm_epsilon);
    }
    __syncthreads();

#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        const int rank = thread * kItems + i;
        if (rank >= args.top_k)
            break;
        args.weights[token * args.top_k + rank] =
            rounded_weight(final_weight(weights[i], divisor, args.routed_scaling), args.weights_round);
        args.ids[token * args.top_k + rank] = rank_key_index(keys[i]);
    }
}

template <int kThreads, int kItems>
void launch(const ms_topk_args &args, ms_stream stream) {
    topk_block_merge_sort_kernel<kThreads, kItems>
        <<<unsigned(args.tokens), kThreads, 0, stream>>>(args);
}

} // namespace

ms_status topk_block_merge_sort(const ms_topk_args &args, ms_stream stream) {
    if (args.experts <= 64)
        launch<32, 2>(args, stream);
    else if (args.experts <= 128)
        launch<64, 2>(args, stream);
    else if (args.experts <= 256)
        launch<128, 2>(args, stream);
    else if (args.experts <= 512)
        launch<256, 2>(args, stream);
    else
        launch<256, 4>(args, stream);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope
