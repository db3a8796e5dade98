#include "kernels/common/cuda_check.h"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/routing_math.h"
#include "kernels/routing/warp.cuh"

#include <cstdint>

namespace moescope {

namespace {

constexpr int kWarpsPerBlock = 4;
constexpr std::uint32_t kTaken = 0; // the order key of no float

// The largest (key, lowest index) among one candidate a lane; every lane gets it.
struct Candidate {
    std::uint32_t key;
    int index;
};
__device__ Candidate warp_best(Candidate mine) {
    const std::uint32_t key = __reduce_max_sync(kFullWarp, mine.key);
    const auto index = unsigned(mine.key == key ? mine.index : INT32_MAX);
    return {key, int(__reduce_min_sync(kFullWarp, index))};
}

// The order keys of one token's choices, spread over a warp: lane l holds experts l, l + 32, ...
template <int kItems> struct Choices {
    std::uint32_t keys[kItems];
    int lane;

    __device__ int expert(int item) const { return item * kWarpSize + lane; }

    __device__ void load(const ms_sigmoid_topk_args &args, std::int64_t row_start) {
        float logits[kItems];
        load_row(args.logits, args.logits_dtype, row_start, lane, kWarpSize, args.experts, 0.0f,
                 logits);
        float bias[kItems] = {};
        if (args.bias)
            load_typed_row(args.bias, lane, kWarpSize, args.experts, 0.0f, bias);
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            keys[i] = expert(i) < args.experts ? order_key(sigmoid(logits[i]) + bias[i]) : kTaken;
    }

    // The best expert of the warp; it is taken, and not found again.
    __device__ int take_best() {
        Candidate mine{kTaken, 0};
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            if (keys[i] > mine.key)
                mine = {keys[i], expert(i)};
        const int best = warp_best(mine).index;
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            if (expert(i) == best)
                keys[i] = kTaken;
        return best;
    }

    // The order key of the score of the experts first .. first + size - 1.
    __device__ std::uint32_t group_score(int first, int size, ms_group_score kind) const {
        std::uint32_t best = kTaken, second = kTaken;
#pragma unroll
        for (int i = 0; i < kItems; ++i) {
            const std::uint32_t key =
                unsigned(expert(i) - first) < unsigned(size) ? keys[i] : kTaken;
            second = max(second, min(best, key));
            best = max(best, key);
        }
        const std::uint32_t warp_first = __reduce_max_sync(kFullWarp, best);
        if (kind == MS_GROUP_MAX || size == 1)
            return warp_first;
        // One lane gives up its best; the best of what is left is the group's second.
        const unsigned holders = __ballot_sync(kFullWarp, best == warp_first);
        const std::uint32_t left = lane == __ffs(int(holders)) - 1 ? second : best;
        const std::uint32_t warp_second = __reduce_max_sync(kFullWarp, left);
        return order_key(order_key_value(warp_first) + order_key_value(warp_second));
    }

    // Gives every expert outside the best groups the fill. group_keys: one word a group, of this
    // warp.
    __device__ void mask_groups(const ms_sigmoid_topk_args &args, std::uint32_t *group_keys) {
        const int size = args.experts / args.groups;
        for (int group = 0; group < args.groups; ++group) {
            const std::uint32_t score = group_score(group * size, size, args.group_score);
            if (lane == group % kWarpSize)
                group_keys[group] = score;
        }
        __syncwarp();
        for (int kept = 0; kept < args.groups_kept; ++kept) {
            Candidate mine{kTaken, 0};
            for (int group = lane; group < args.groups; group += kWarpSize)
                if (group_keys[group] > mine.key)
                    mine = {group_keys[group], group};
            const int best = warp_best(mine).index;
            if (lane == best % kWarpSize)
                group_keys[best] = kTaken;
        }
        __syncwarp();
        const std::uint32_t fill =
            order_key(args.masked_fill == MS_MASKED_ZERO_COMPAT ? 0.0f : -INFINITY);
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            if (expert(i) < args.experts && group_keys[expert(i) / size] != kTaken)
                keys[i] = fill;
    }
};

// One warp a token; kItems * 32 >= E.
template <int kItems>
__global__ void __launch_bounds__(kWarpsPerBlock *kWarpSize)
    sigmoid_topk_warp(const __grid_constant__ ms_sigmoid_topk_args args) {
    extern __shared__ std::uint32_t all_group_keys[]; // [warps, groups], where groups are masked
    const int lane = int(threadIdx.x) % kWarpSize;
    const int warp = int(threadIdx.x) / kWarpSize;
    const std::int64_t token = std::int64_t(blockIdx.x) * kWarpsPerBlock + warp;
    if (token >= args.tokens)
        return;
    const std::int64_t row_start = token * args.logits_stride;
    Choices<kItems> choices;
    choices.lane = lane;
    choices.load(args, row_start);
    if (args.groups_kept < args.groups)
        choices.mask_groups(args, all_group_keys + warp * args.groups);

    // Lane l keeps selections l, l + 32, ...: all but the last in memory, until their sum is known.
    float *weights = args.weights + token * args.top_k;
    std::int32_t *ids = args.ids + token * args.top_k;
    float weight = 0, sum = 0;
    const int last_start = (args.top_k - 1) / kWarpSize * kWarpSize;
    for (int start = 0; start <= last_start; start += kWarpSize) {
        const int count = min(args.top_k - start, kWarpSize);
        int mine = 0;
        for (int i = 0; i < count; ++i) {
            const int best = choices.take_best();
            mine = lane == i ? best : mine;
        }
        if (lane < count) {
            weight = sigmoid(load_logit(args.logits, args.logits_dtype, row_start + mine));
            sum += weight;
            ids[start + lane] = mine;
            if (start < last_start)
                weights[start + lane] = weight;
        }
    }

    const float divisor = renorm_divisor(args.renorm, warp_sum(sum), args.renorm_epsilon);
    for (int i = lane; i < last_start; i += kWarpSize)
        weights[i] = final_weight(weights[i], divisor, args.routed_scaling);
    if (last_start + lane < args.top_k)
        weights[last_start + lane] = final_weight(weight, divisor, args.routed_scaling);
}

template <int kItems> void launch(const ms_sigmoid_topk_args &args, ms_stream stream) {
    const auto blocks = unsigned((args.tokens + kWarpsPerBlock - 1) / kWarpsPerBlock);
    const bool masks = args.groups_kept < args.groups;
    const std::size_t shared_bytes =
        masks ? kWarpsPerBlock * args.groups * sizeof(std::uint32_t) : 0;
    sigmoid_topk_warp<kItems><<<blocks, kWarpsPerBlock * kWarpSize, shared_bytes, stream>>>(args);
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_sigmoid_topk(const ms_sigmoid_topk_args *args, ms_stream stream) {
    using namespace moescope;
    ms_sigmoid_topk_args full;
    if (const ms_status status = check_sigmoid_topk(args, full); status != MS_OK)
        return status;
    if (full.experts <= 32)
        launch<1>(full, stream);
    else if (full.experts <= 64)
        launch<2>(full, stream);
    else if (full.experts <= 128)
        launch<4>(full, stream);
    else if (full.experts <= 256)
        launch<8>(full, stream);
    else if (full.experts <= 512)
        launch<16>(full, stream);
    else
        launch<32>(full, stream);
    MS_LAUNCH_CHECK();
    return succeed();
}
