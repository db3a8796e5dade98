// The kernel of MS_TOPK_WARP_SELECT, for one kind and every shape.
#pragma once

#include "kernels/common/cuda_check.h"
#include "kernels/routing/topk_row.cuh"
#include "kernels/routing/topk_variants.h"

#include <cstdint>
#include <utility>

namespace moescope {

constexpr int kWarpSelectWarps = 4; // a block

template <TopkKind kKind, int kLanes, int kItems, int kList, int kKept, int kRows>
__global__ void __launch_bounds__(kWarpSelectWarps *kWarpSize)
    topk_warp_select_kernel(const __grid_constant__ TopkPlan plan) {
    using Row = TopkRow<kKind, TopkShape{kLanes, kItems, kList, kKept}, kRows>;
    constexpr unsigned kThreads = kWarpSelectWarps * kWarpSize;
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
    topk_warp_select_kernel<kKind, kShape.lanes, kShape.items, kShape.list, kShape.kept, kRows>
        <<<blocks, kWarpSelectWarps * kWarpSize, 0, stream>>>(plan_topk(args, kShape));
}

// Where there are rows enough for every multiprocessor, a warp takes four of them.
template <TopkKind kKind, TopkShape kShape>
void launch_warp_select_rows(const ms_topk_args &args, ms_stream stream) {
    constexpr int kRows = 4;
    constexpr std::int64_t kManyTokens = 8192;
    constexpr bool kUsual = kKind == TopkKind::Bf16Softmax || kKind == TopkKind::Sigmoid;
    if constexpr (kUsual && kShape == TopkShape{32, 8, 8, 1})
        if (args.tokens >= kManyTokens && args.top_k <= kShape.lanes / kRows)
            return launch_warp_select<kKind, kShape, kRows>(args, stream);
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
