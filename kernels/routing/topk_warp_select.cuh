// The kernel of MS_TOPK_WARP_SELECT, for one kind and every shape.
#pragma once

#include "kernels/common/cuda_check.h"
#include "kernels/routing/topk_row.cuh"
#include "kernels/routing/topk_variants.h"

#include <cstdint>
#include <utility>

namespace moescope {

constexpr int kWarpSelectWarps = 4; // a block

// Whether a row fills its lanes, in whole loads.
inline bool is_whole(const ms_topk_args &args, const TopkShape &shape) {
    return args.experts == shape.experts() && plan_topk(args, shape).whole_lanes;
}
// What is_whole() found, for the compiler to leave the rest out.
template <TopkShape kShape> __device__ inline void assume_whole(const TopkPlan &plan) {
    __builtin_assume(plan.whole_lanes);
    __builtin_assume(plan.args.experts == kShape.experts());
}

template <TopkKind kKind, int kLanes, int kItems, int kList, int kKept, bool kMerges, int kRows>
__global__ void __launch_bounds__(kWarpSelectWarps *kWarpSize)
    topk_warp_select_kernel(const __grid_constant__ TopkPlan plan) {
    using Row = TopkRow<kKind, TopkShape{kLanes, kItems, kList, kKept, kMerges}, kRows>;
    constexpr unsigned kThreads = kWarpSelectWarps * kWarpSize;
    if constexpr (kMerges)
        assume_whole<TopkShape{kLanes, kItems}>(plan);
    const ms_topk_args &args = plan.args;
    const std::int64_t first =
        std::int64_t(blockIdx.x) * (kThreads / kLanes * kRows) + threadIdx.x / kLanes * kRows;
    const std::int64_t row = first + threadIdx.x % kLanes / (kLanes / kRows);
    const bool exists = row < args.tokens; // lanes of no row repeat the last one
    Row::route(plan, kRows > 1 || exists ? first : args.tokens - 1,
               [&](int rank, int expert, float weight) {
                   if (exists) {
                       args.weights[row * args.top_k + rank] = weight;
                       args.ids[row * args.top_k + rank] = expert;
                   }
               });
}

template <TopkKind kKind, TopkShape kShape, int kRows = 1>
void launch_warp_select(const ms_topk_args &args, ms_stream stream) {
    constexpr int rows_per_block = kWarpSelectWarps * kWarpSize / kShape.lanes * kRows;
    const auto blocks = unsigned((args.tokens + rows_per_block - 1) / rows_per_block);
    topk_warp_select_kernel<kKind, kShape.lanes, kShape.items, kShape.list, kShape.kept,
                            kShape.merges, kRows>
        <<<blocks, kWarpSelectWarps * kWarpSize, 0, stream>>>(plan_topk(args, kShape));
}

// A thread a row of few experts, of which two are selected: a row's weights are one store, and its
// ids.
template <TopkKind kKind, int kItems>
__global__ void __launch_bounds__(kWarpSelectWarps *kWarpSize)
    topk_pairs_kernel(const __grid_constant__ TopkPlan plan) {
    using Row = TopkRow<kKind, TopkShape{1, kItems, kItems, kItems}>;
    assume_whole<TopkShape{1, kItems}>(plan);
    const std::int64_t row = std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (row >= plan.args.tokens)
        return;
    float weights[2];
    std::int32_t ids[2];
    Row::template route_few<2>(plan, row, [&](int rank, int expert, float weight) {
        weights[rank] = weight;
        ids[rank] = expert;
    });
    reinterpret_cast<float2 *>(plan.args.weights)[row] = make_float2(weights[0], weights[1]);
    reinterpret_cast<int2 *>(plan.args.ids)[row] = make_int2(ids[0], ids[1]);
}

template <TopkKind kKind, TopkShape kShape>
void launch_pairs(const ms_topk_args &args, ms_stream stream) {
    constexpr int rows_per_block = kWarpSelectWarps * kWarpSize;
    const auto blocks = unsigned((args.tokens + rows_per_block - 1) / rows_per_block);
    topk_pairs_kernel<kKind, kShape.items>
        <<<blocks, rows_per_block, 0, stream>>>(plan_topk(args, kShape));
}

inline bool writes_pairs(const ms_topk_args &args, const TopkShape &shape) {
    const auto starts_pair = [](const void *array) {
        return reinterpret_cast<std::uintptr_t>(array) % sizeof(float2) == 0;
    };
    return args.top_k == 2 && is_whole(args, shape) && starts_pair(args.weights) &&
           starts_pair(args.ids);
}

// The usual E and k: whole rows' lists are merged where that takes less time than to select k
// times; and where there are rows enough for every multiprocessor, a warp takes four of them.
template <TopkKind kKind> void launch_usual(const ms_topk_args &args, ms_stream stream) {
    constexpr bool kPacked = kKind == TopkKind::Bf16Softmax || kKind == TopkKind::Bf16Logit;
    constexpr int kRows = 4;
    if constexpr (kPacked)
        if (args.top_k <= kMergedList && is_whole(args, kManyMergedShape)) {
            if (args.tokens >= 4096)
                return launch_warp_select<kKind, kManyMergedShape>(args, stream);
            if (args.tokens <= 128)
                return launch_warp_select<kKind, kFewMergedShape>(args, stream);
        }
    if constexpr (kKind == TopkKind::Bf16Softmax || kKind == TopkKind::Sigmoid)
        if (args.tokens >= 8192 && args.top_k <= kWarpSize / kRows)
            return launch_warp_select<kKind, kUsualShape, kRows>(args, stream);
    launch_warp_select<kKind, kUsualShape>(args, stream);
}

template <TopkKind kKind, TopkShape kShape>
void launch_warp_select_rows(const ms_topk_args &args, ms_stream stream) {
    if constexpr (kShape == kUsualShape)
        return launch_usual<kKind>(args, stream);
    if constexpr (kShape.lanes == 1 && kKind == TopkKind::Bf16Softmax)
        if (writes_pairs(args, kShape))
            return launch_pairs<kKind, kShape>(args, stream);
    launch_warp_select<kKind, kShape>(args, stream);
}

// Calls visit.operator()<shape>() for the one of kTopkShapes that is `shape`.
template <class Visit> void with_topk_shape(TopkShape shape, Visit visit) {
    [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
        ((shape == kTopkShapes[kIndex] ? visit.template operator()<kTopkShapes[kIndex]>() : void()),
         ...);
    }
    (std::make_index_sequence<std::size(kTopkShapes)>());
}

template <TopkKind kKind>
ms_status enqueue_warp_select(const ms_topk_args &args, ms_stream stream) {
    with_topk_shape(warp_select_shape(args), [&]<TopkShape kShape> {
        launch_warp_select_rows<kKind, kShape>(args, stream);
    });
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope
