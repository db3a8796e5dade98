// The kernel of MS_TOPK_WARP_SELECT, for one order and every shape.
#pragma once

#include "kernels/common/cuda_check.h"
#include "kernels/routing/topk_row.cuh"
#include "kernels/routing/topk_variants.h"

#include <cstdint>
#include <utility>

namespace moescope {

constexpr int kWarpSelectWarps = 4; // a block

template <TopkOrder kOrder, int kLanes, int kItems>
__global__ void __launch_bounds__(kWarpSelectWarps *kWarpSize)
    topk_warp_select_kernel(const __grid_constant__ ms_topk_args args, bool whole_lanes) {
    using Row = TopkRow<kOrder, kLanes, kItems>;
    const std::int64_t row =
        (std::int64_t(blockIdx.x) * (kWarpSelectWarps * kWarpSize) + threadIdx.x) / kLanes;
    const bool exists = row < args.tokens; // lanes of no row repeat the last one
    Row::route(args, exists ? row : args.tokens - 1, whole_lanes,
               [&](int rank, int expert, float weight) {
                   if (exists) {
                       args.weights[row * args.top_k + rank] = weight;
                       args.ids[row * args.top_k + rank] = expert;
                   }
               });
}

template <TopkOrder kOrder, TopkShape kShape>
void launch_warp_select(const ms_topk_args &args, ms_stream stream) {
    constexpr int rows_per_block = kWarpSelectWarps * kWarpSize / kShape.lanes;
    const auto blocks = unsigned((args.tokens + rows_per_block - 1) / rows_per_block);
    topk_warp_select_kernel<kOrder, kShape.lanes, kShape.items>
        <<<blocks, kWarpSelectWarps * kWarpSize, 0, stream>>>(args,
                                                              whole_lanes(args, kShape.items));
}

// Calls visit.operator()<shape>() for the one of kTopkShapes that is `shape`.
template <class Visit> void with_topk_shape(TopkShape shape, Visit visit) {
    [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
        ((shape.lanes == kTopkShapes[kIndex].lanes && shape.items == kTopkShapes[kIndex].items
              ? visit.template operator()<kTopkShapes[kIndex]>()
              : void()),
         ...);
    }(std::make_index_sequence<std::size(kTopkShapes)>());
}

template <TopkOrder kOrder> ms_status enqueue_warp_select(const ms_topk_args &args, ms_stream stream) {
    with_topk_shape(warp_select_shape(args),
                    [&]<TopkShape kShape> { launch_warp_select<kOrder, kShape>(args, stream); });
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope
