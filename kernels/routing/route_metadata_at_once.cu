#include "kernels/routing/route_metadata_variants.h"
#include "kernels/routing/sort_launch.cuh"

#include <algorithm>
#include <array>
#include <cstdint>

namespace moescope {

namespace {

constexpr std::int64_t kMaxSlots = std::int64_t(kMaxGridBlocks) * 4096;

template <class Exchange, int kWarps, int kItems, bool kStaged>
__global__ void __launch_bounds__(kWarps *kWarpSize, 1)
    sort_slots(const __grid_constant__ ExpertSort sort) {
    extern __shared__ uint4 shared[];
    sort_by_expert<Exchange, kWarps, kItems, kStaged>(
        sort, shared, [&](int(&ids)[kItems]) { load_ids(sort, ids); });
}

template <class Exchange> constexpr SortTogether kTogether = SortTogether::Block;
template <> constexpr SortTogether kTogether<OneCluster> = SortTogether::Cluster;
template <> constexpr SortTogether kTogether<OneGrid> = SortTogether::Grid;

template <class Exchange, int kWarps, int kItems, bool kStaged>
ms_status launch(const ms_route_metadata_args &args, const SortDevice &device, int blocks,
                 ms_stream stream) {
    using Memory = SortMemory<kWarps>;
    constexpr int most_experts = std::min(Memory::kThreads, kMaxSortExperts);
    constexpr int most_slots = Memory::kThreads * kItems;
    static std::atomic<std::uint64_t> allowed{0};
    const auto kernel = sort_slots<Exchange, kWarps, kItems, kStaged>;
    const auto bytes = [](int experts, int slots) {
        return Memory::bytes(experts, kStaged ? slots : 0,
                             Exchange::template shared_bytes<kWarps>(experts));
    };
    const int slots_per_block =
        (int((args.slots + blocks - 1) / blocks) + kWarpSize - 1) / kWarpSize * kWarpSize;
    const std::size_t needed = bytes(args.experts, slots_per_block);
    if (slots_per_block > most_slots || needed > device.shared_bytes)
        return sort_in_pieces(args, stream); // a small device
    if (const ms_status status =
            allow_anything(kernel, device, bytes(most_experts, most_slots), allowed);
        status != MS_OK)
        return status;
    ExpertSort sort = expert_sort_of(args, slots_per_block);
    sort.block_counts = grid_counts(args.workspace);
    return launch_together(kernel, kTogether<Exchange>, blocks, Memory::kThreads, needed, stream,
                           sort);
}

// Of a cooperative grid: enough blocks for the slots, each with much to do before they meet.
int grid_blocks(std::int64_t slots, const SortDevice &device, int slots_per_block) {
    const auto enough = int((slots + slots_per_block - 1) / slots_per_block);
    return std::clamp(enough, 1, std::min(kMaxGridBlocks, device.processors));
}

// Whether the ids can be read four at a time.
bool counts_everywhere(const ms_route_metadata_args &args) {
    return args.slots % 4 == 0 && reinterpret_cast<std::uintptr_t>(args.ids) % sizeof(int4) == 0;
}

ms_status sort_few_experts(const ms_route_metadata_args &args, const SortDevice &device,
                           ms_stream stream) { // E <= 256
    const std::int64_t slots = args.slots;
    if (slots <= 256)
        return launch<OneBlock, 8, 1, false>(args, device, 1, stream);
    if (slots <= 512)
        return launch<OneBlock, 16, 1, false>(args, device, 1, stream);
    if (slots <= 8192 && counts_everywhere(args)) {
        const auto blocks = std::max(int(slots / 128), 8); // of 128 to 256 slots
        return slots <= 4096 ? launch<EveryBlock<256, 4>, 8, 1, false>(args, device, blocks, stream)
                             : launch<EveryBlock<256, 8>, 8, 1, false>(args, device, 32, stream);
    }
    if (device.clusters) {
        if (slots <= 1024)
            return launch<OneCluster, 8, 1, false>(args, device, 4, stream);
        if (slots <= 2048)
            return launch<OneCluster, 8, 1, false>(args, device, 8, stream);
        if (slots <= 4096)
            return launch<OneCluster, 8, 1, false>(args, device, 16, stream);
        if (slots <= 32768)
            return launch<OneCluster, 16, 4, true>(args, device, 16, stream);
    } else if (slots <= 4096) {
        return launch<OneBlock, 32, 4, true>(args, device, 1, stream);
    }
    if (slots <= 131072)
        return launch<OneGrid, 16, 4, true>(args, device, grid_blocks(slots, device, 2048), stream);
    return launch<OneGrid, 32, 4, true>(args, device, grid_blocks(slots, device, 2048), stream);
}

ms_status sort_many_experts(const ms_route_metadata_args &args, const SortDevice &device,
                            ms_stream stream) {
    const std::int64_t slots = args.slots;
    if (slots <= 4096)
        return launch<OneBlock, 32, 4, true>(args, device, 1, stream);
    if (device.clusters && slots <= 65536)
        return launch<OneCluster, 32, 4, true>(args, device, 16, stream);
    return launch<OneGrid, 32, 4, true>(args, device, grid_blocks(slots, device, 2048), stream);
}

} // namespace

bool sorts_at_once(std::int64_t slots, std::int32_t experts) {
    return experts <= kMaxSortExperts && slots <= kMaxSlots;
}

std::size_t at_once_workspace_bytes(std::int64_t slots, std::int32_t experts) {
    if (!sorts_at_once(slots, experts) || slots <= 4096) // one block then, or a cluster
        return 0;
    return grid_counts_bytes(std::min<std::int64_t>((slots + 2047) / 2048, kMaxGridBlocks),
                             experts);
}

ms_status sort_at_once(const ms_route_metadata_args &args, ms_stream stream) {
    SortDevice device;
    if (const ms_status status = find_sort_device(device); status != MS_OK)
        return status;
    return args.experts <= 256 ? sort_few_experts(args, device, stream)
                               : sort_many_experts(args, device, stream);
}

} // namespace moescope
