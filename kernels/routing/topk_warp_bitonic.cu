#include "kernels/common/cuda_check.h"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_math.h"
#include "kernels/routing/topk_variants.h"
#include "kernels/routing/warp.cuh"

#include <cstdint>

namespace moescope {

namespace {

constexpr int kWarpsPerBlock = 4;

// Sorts one key a lane, the largest in lane 0.
__device__ std::uint64_t bitonic_sort_descending(std::uint64_t key, int lane) {
#pragma unroll
    for (int run = 2; run <= kWarpSize; run *= 2) {
#pragma unroll
        for (int distance = run / 2; distance > 0; distance /= 2) {
            const std::uint64_t other = __shfl_xor_sync(kFullWarp, key, distance);
            const bool run_descends = (lane & run) == 0;
            const bool is_lower_lane = (lane & distance) == 0;
            const bool keep_larger = run_descends == is_lower_lane;
            key = (key > other) == keep_larger ? key : other;
        }
    }
    return key;
}

__global__ void __launch_bounds__(kWarpsPerBlock *kWarpSize)
    topk_warp_bitonic_kernel(const __grid_constant__ ms_topk_args args) {
    const int lane = int(threadIdx.x) % kWarpSize;
    const std::int64_t token = std::int64_t(blockIdx.x) * kWarpsPerBlock + threadIdx.x / kWarpSize;
    if (token >= args.tokens)
        return;

    std::uint64_t key = 0; // a lane without an expert sorts behind every expert
    if (lane < args.experts)
        key = rank_key(
            load_logit(args.logits, args.logits_dtype, token * args.logits_stride + lane), lane);
    key = bitonic_sort_descending(key, lane);

    const float logit = rank_key_value(key);
    const float largest = __shfl_sync(kFullWarp, logit, 0);
    const float term = lane < args.experts ? softmax_term(logit, largest) : 0.0f;
    const float mass = warp_sum(term);
    const float weight = lane < args.top_k && mass > 0 ? term / mass : 0.0f;
    const float divisor = renorm_divisor(args.renorm, warp_sum(weight), args.renorm_epsilon);
    if (lane < args.top_k) {
        args.weights[token * args.top_k + lane] =
            rounded_weight(final_weight(weight, divisor, args.routed_scaling), args.weights_round);
        args.ids[token * args.top_k + lane] = rank_key_index(key);
    }
}

} // namespace

ms_status topk_warp_bitonic(const ms_topk_args &args, ms_stream stream) {
    const auto blocks = unsigned((args.tokens + kWarpsPerBlock - 1) / kWarpsPerBlock);
    topk_warp_bitonic_kernel<<<blocks, kWarpsPerBlock * kWarpSize, 0, stream>>>(args);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope
