// Launching a sort as one block, one cluster or a cooperative grid.
#pragma once

#include "kernels/common/cuda_check.h"
#include "kernels/routing/expert_sort.cuh"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace moescope {

enum class SortTogether { Block, Cluster, Grid };

// What the current device offers to blocks that run at the same time.
struct SortDevice {
    int index = 0, processors = 0;
    std::size_t shared_bytes = 0; // that a block may have
    bool clusters = false;        // of kMaxClusterBlocks blocks
};
ms_status find_sort_device(SortDevice &device);

constexpr int kMaxGridBlocks = 128;

// The block counts of a grid, 16-byte aligned within a workspace that need not be.
inline std::size_t grid_counts_bytes(std::int64_t blocks, std::int32_t experts) {
    return std::size_t(blocks) * std::size_t(padded_experts(experts)) * sizeof(std::uint16_t) + 16;
}
inline std::uint16_t *grid_counts(void *workspace) {
    return reinterpret_cast<std::uint16_t *>((reinterpret_cast<std::uintptr_t>(workspace) + 15) /
                                             16 * 16);
}

inline ExpertSort expert_sort_of(const ms_route_metadata_args &args, int slots_per_block) {
    ExpertSort sort{};
    sort.ids = args.ids;
    sort.slots = int(args.slots);
    sort.experts = args.experts;
    sort.slots_per_block = slots_per_block;
    sort.id_bits = std::bit_width(unsigned(args.experts - 1));
    sort.counts = args.counts;
    sort.offsets = args.offsets;
    sort.sorted_slots = args.sorted_slots;
    sort.inverse = args.inverse;
    sort.block_rows = args.block_rows;
    sort.block_rows_shift = std::has_single_bit(unsigned(args.block_rows))
                                ? std::countr_zero(unsigned(args.block_rows))
                                : -1;
    sort.max_tiles = int(ms_max_tiles(args.slots, args.experts, args.block_rows));
    sort.tiles = args.tiles;
    return sort;
}

// Once a kernel and device: lets it have much shared memory and a cluster of any size.
template <class Kernel>
ms_status allow_anything(Kernel kernel, const SortDevice &device, std::size_t shared_bytes,
                         std::atomic<std::uint64_t> &allowed) {
    const std::uint64_t bit = std::uint64_t(1) << (device.index & 63);
    if (allowed.load(std::memory_order_relaxed) & bit)
        return MS_OK;
    MS_CUDA_TRY(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     int(std::min(shared_bytes, device.shared_bytes))));
    if (device.clusters)
        MS_CUDA_TRY(
            cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
    allowed.fetch_or(bit, std::memory_order_relaxed);
    return MS_OK;
}

template <class... Args>
ms_status launch_together(void (*kernel)(Args...), SortTogether together, int blocks, int threads,
                          std::size_t shared_bytes, ms_stream stream, Args... args) {
    cudaLaunchAttribute attribute{};
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(unsigned(blocks));
    config.blockDim = dim3(unsigned(threads));
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    if (together == SortTogether::Cluster) {
        attribute.id = cudaLaunchAttributeClusterDimension;
        attribute.val.clusterDim = {unsigned(blocks), 1, 1};
    } else {
        attribute.id = cudaLaunchAttributeCooperative;
        attribute.val.cooperative = 1;
    }
    config.attrs = &attribute;
    config.numAttrs = together == SortTogether::Block ? 0 : 1;
    MS_CUDA_TRY(cudaLaunchKernelEx(&config, kernel, args...));
    return succeed();
}

} // namespace moescope
