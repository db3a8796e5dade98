// The kernel of ms_route, for one kind and every shape.
#pragma once

#include "kernels/routing/route_at_once.h"
#include "kernels/routing/sort_launch.cuh"
#include "kernels/routing/topk_row.cuh"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace moescope {

struct RouteJob {
    TopkPlan topk;
    ExpertSort sort;
    int tokens_per_block;
    int ids_offset; // of the block's ids in its shared memory
};

// Fewer shapes than ms_topk has: each is compiled with a sort.
constexpr TopkShape kRouteShapes[] = {
    {1, 8, 8, 8}, {8, 8, 8, 1}, {32, 8, 8, 1}, {32, 12, 12, 1}, {32, 16, 16, 1}};

inline TopkShape route_shape(const ms_topk_args &args) {
    for (const TopkShape &shape : kRouteShapes)
        if (fits(shape, args.experts, args.groups_kept < args.groups ? args.groups : 1, args.top_k))
            return shape;
    return {};
}

// Warps of a block that have 64 registers each, or 80.
template <TopkKind kKind>
constexpr int kRouteWarps =
    kKind == TopkKind::Bf16Softmax || kKind == TopkKind::Bf16Logit ? 32 : 24;

// Routes the block's tokens; the ids of its slots go to `ids`, too.
template <TopkKind kKind, TopkShape kShape, int kWarps>
__device__ inline void route_tokens(const RouteJob &job, std::uint16_t *ids) {
    using Row = TopkRow<kKind, kShape>;
    constexpr unsigned kLanes = kShape.lanes;
    const ms_topk_args &args = job.topk.args;
    const std::int64_t begin = std::int64_t(blockIdx.x) * job.tokens_per_block;
    const int tokens = int(min(std::int64_t(job.tokens_per_block), args.tokens - begin));
    constexpr int kTokensAtOnce = kWarps * kWarpSize / kLanes;
#pragma unroll 1
    for (int start = 0; start < tokens; start += kTokensAtOnce) {
        if (start + int(threadIdx.x / kWarpSize * (kWarpSize / kLanes)) >= tokens)
            break; // the whole warp
        const int token = start + int(threadIdx.x / kLanes);
        const bool exists = token < tokens; // lanes of no token repeat the last one
        const std::int64_t row = begin + token;
        Row::route(job.topk, begin + min(token, tokens - 1),
                   [&](int rank, int expert, float weight) {
                       if (exists) {
                           args.weights[row * args.top_k + rank] = weight;
                           args.ids[row * args.top_k + rank] = expert;
                           ids[token * args.top_k + rank] = std::uint16_t(expert);
                       }
                   });
    }
}

template <TopkKind kKind, int kLanes, int kItems, int kList, int kKept, bool kMerges, int kWarps,
          int kSlots>
__global__ void __launch_bounds__(kWarps *kWarpSize, 1)
    route_kernel(const __grid_constant__ RouteJob job) {
    extern __shared__ uint4 shared[];
    auto *ids_of_block =
        reinterpret_cast<std::uint16_t *>(reinterpret_cast<char *>(shared) + job.ids_offset);
    sort_by_expert<ClusterOrGrid, kWarps, kSlots, (kSlots > 1)>(
        job.sort, shared, [&](int(&ids)[kSlots]) {
            route_tokens<kKind, TopkShape{kLanes, kItems, kList, kKept, kMerges}, kWarps>(
                job, ids_of_block);
            __syncthreads();
            const int end = min(job.sort.slots_per_block,
                                job.sort.slots - int(blockIdx.x) * job.sort.slots_per_block);
            const int first =
                int(threadIdx.x / kWarpSize) * kSlots * kWarpSize + int(threadIdx.x % kWarpSize);
#pragma unroll
            for (int i = 0; i < kSlots; ++i) {
                const int slot = first + i * kWarpSize;
                ids[i] = slot < end ? ids_of_block[slot] : -1;
            }
        });
}

template <TopkKind kKind, TopkShape kShape, int kWarps, int kSlots>
ms_status launch_route(const CheckedRoute &route, const SortDevice &device, SortTogether together,
                       int blocks, bool &done, ms_stream stream) {
    using Memory = SortMemory<kWarps>;
    static std::atomic<std::uint64_t> allowed{0};
    const auto kernel = route_kernel<kKind, kShape.lanes, kShape.items, kShape.list, kShape.kept,
                                     kShape.merges, kWarps, kSlots>;
    RouteJob job{};
    job.topk = plan_topk(route.topk, kShape);
    job.tokens_per_block = int((route.topk.tokens + blocks - 1) / blocks);
    const int slots_per_block = job.tokens_per_block * route.topk.top_k;
    job.sort = expert_sort_of(route.metadata, slots_per_block);
    if (together == SortTogether::Grid)
        job.sort.block_counts = grid_counts(route.metadata.workspace);
    const std::size_t sort_bytes =
        Memory::bytes(route.topk.experts, kSlots > 1 ? slots_per_block : 0,
                      ClusterOrGrid::shared_bytes<kWarps>(route.topk.experts));
    job.ids_offset = int(sort_bytes);
    const std::size_t bytes = sort_bytes + std::size_t(slots_per_block) * sizeof(std::uint16_t);
    done = slots_per_block <= Memory::kThreads * kSlots && bytes <= device.shared_bytes;
    if (!done)
        return MS_OK;
    if (const ms_status status = allow_anything(kernel, device, device.shared_bytes, allowed);
        status != MS_OK)
        return status;
    return launch_together(kernel, together, blocks, Memory::kThreads, bytes, stream, job);
}

// The usual E and k of bfloat16 logits. Few tokens: a cluster of small blocks, a row or four a
// warp; more: a grid.
template <TopkKind kKind>
ms_status route_usual(const CheckedRoute &route, const SortDevice &device, bool &done,
                      ms_stream stream) {
    constexpr auto kCluster = SortTogether::Cluster, kGrid = SortTogether::Grid;
    constexpr TopkShape kMany = kManyMergedShape;
    const std::int64_t tokens = route.topk.tokens;
    const int most = std::min(kMaxGridBlocks, device.processors);
    const auto blocks_of = [&](int rows, int least) {
        return std::max(least, int((tokens + rows - 1) / rows));
    };
    if (device.clusters && tokens <= kMaxClusterBlocks * 8)
        return launch_route<kKind, kUsualShape, 8, 1>(route, device, kCluster, blocks_of(8, 2),
                                                      done, stream); // a cluster of one is none
    if (device.clusters && tokens <= kMaxClusterBlocks * 32)
        return launch_route<kKind, kMany, 8, 1>(route, device, kCluster, blocks_of(32, 2), done,
                                                stream);
    if (tokens <= std::int64_t(most) * 32)
        return launch_route<kKind, kMany, 8, 1>(route, device, kGrid, blocks_of(32, 1), done,
                                                stream);
    if (tokens <= std::int64_t(most) * 128)
        return launch_route<kKind, kMany, 16, 2>(route, device, kGrid, most, done, stream);
    return launch_route<kKind, kMany, 16, 4>(route, device, kGrid, most, done, stream);
}

// Few tokens: small blocks. More: as many rows at once as there are warps; and from where a
// cluster's processors would be few against all, a grid.
template <TopkKind kKind, TopkShape kShape>
ms_status route_with_shape(const CheckedRoute &route, const SortDevice &device, bool &done,
                           ms_stream stream) {
    // As many warps as have the registers for a row of theirs, and what slots they take then.
    constexpr bool kPart = kShape.lanes < kWarpSize;
    constexpr int kWarps = kShape.items > 8 || (kPart && kKind == TopkKind::Choice) ? 16
                           : kPart                                                  ? 24
                                   : kRouteWarps<kKind>;
    constexpr int kMostSlots = 64 / kWarps;
    constexpr int kRows = kWarps * kWarpSize / kShape.lanes;
    constexpr int kSmallRows = 8; // of a small block
    constexpr bool kUsual = kShape == kUsualShape;
    const std::int64_t tokens = route.topk.tokens, top_k = route.topk.top_k;
    if constexpr (kUsual && (kKind == TopkKind::Bf16Softmax || kKind == TopkKind::Bf16Logit))
        if (top_k <= kMergedList)
            return route_usual<kKind>(route, device, done, stream);
    const auto blocks_of = [&](std::int64_t rows, int most) {
        return int(std::min<std::int64_t>((tokens + rows - 1) / rows, most));
    };
    const auto slots_of = [&](int blocks) { return (tokens + blocks - 1) / blocks * top_k; };
    if constexpr (kUsual)
        if (device.clusters && tokens <= kMaxClusterBlocks * kSmallRows) {
            const int blocks =
                std::max(2, blocks_of(kSmallRows, kMaxClusterBlocks)); // a cluster of one is none
            if (slots_of(blocks) <= 8 * kWarpSize)
                return launch_route<kKind, kShape, 8, 1>(route, device, SortTogether::Cluster,
                                                         blocks, done, stream);
        }
    SortTogether together = SortTogether::Cluster;
    int blocks = std::max(2, blocks_of(kRows, kMaxClusterBlocks));
    if (!device.clusters || tokens > 2 * kRows * kMaxClusterBlocks ||
        slots_of(blocks) > kWarps * kWarpSize * kMostSlots) {
        together = SortTogether::Grid;
        blocks = blocks_of(kRows, std::min(kMaxGridBlocks, device.processors));
    }
    if constexpr (kUsual)
        if (slots_of(blocks) <= kWarps * kWarpSize)
            return launch_route<kKind, kShape, kWarps, 1>(route, device, together, blocks, done,
                                                          stream);
    return launch_route<kKind, kShape, kWarps, kMostSlots>(route, device, together, blocks, done,
                                                           stream);
}

template <TopkKind kKind>
ms_status route_as(const CheckedRoute &route, bool &done, ms_stream stream) {
    SortDevice device;
    if (const ms_status status = find_sort_device(device); status != MS_OK)
        return status;
    const TopkShape shape = route_shape(route.topk);
    ms_status status = MS_OK;
    [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
        ((shape == kRouteShapes[kIndex]
              ? void(status =
                         route_with_shape<kKind, kRouteShapes[kIndex]>(route, device, done, stream))
              : void()),
         ...);
    }
    (std::make_index_sequence<std::size(kRouteShapes)>());
    return status;
}

} // namespace moescope
