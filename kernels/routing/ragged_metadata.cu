#include "kernels/routing/ragged_metadata.cuh"

#include "kernels/common/cuda_check.h"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/tile_schedule.cuh"

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

constexpr std::int64_t kMaxBlocks = 64; // of one block size; each repeats the sum over the slices

struct RaggedJob {
    ms_ragged_metadata_args args;
    std::int64_t max_tiles;
    WeightOrder order;
};

__device__ std::int64_t everyone() {
    return std::int64_t(blockIdx.x) * kScheduleThreads + threadIdx.x;
}
__device__ std::int64_t stride() { return std::int64_t(gridDim.x) * kScheduleThreads; }

__device__ void write_slice_offs(const ms_ragged_metadata_args &args,
                                 SchedulePrefixSum::Storage &storage) {
    const int total = SchedulePrefixSum::run(
        storage, args.slices, [&](int slice) { return args.slice_sizes[slice]; },
        [&](int slice, int offset) { args.slice_offs[slice] = offset; });
    if (threadIdx.x == 0)
        args.slice_offs[args.slices] = total;
}

// first_blocks: shared scratch for a number a slice.
__device__ void write_blocks(const RaggedJob &job, int size_index, int *first_blocks,
                             SchedulePrefixSum::Storage &storage) {
    const ms_ragged_metadata_args &args = job.args;
    const std::int64_t block_rows = std::int64_t(args.first_block_rows) << size_index;
    std::int32_t *offs = args.block_offs + size_index * (args.slices + std::int64_t(1));
    const int total = SchedulePrefixSum::run(
        storage, args.slices,
        [&](int slice) { return int((args.slice_sizes[slice] + block_rows - 1) / block_rows); },
        [&](int slice, int first) {
            first_blocks[slice] = first;
            if (blockIdx.x == 0)
                offs[slice] = first;
        });
    if (blockIdx.x == 0 && threadIdx.x == 0)
        offs[args.slices] = total;
    for (std::int64_t i = everyone(); i < job.max_tiles; i += stride()) {
        ms_tile tile{-1, -1};
        if (i < total) {
            tile.expert = owner_of_tile(first_blocks, args.slices, i);
            tile.tile = int(i) - first_blocks[tile.expert];
        }
        const std::int64_t at = size_index * args.schedule_stride + i;
        if (args.tiles)
            args.tiles[at] = tile;
        if (args.block_schedule)
            args.block_schedule[at] = std::int32_t(std::uint32_t(tile.tile) << 16 |
                                                   std::uint32_t(tile.expert)); // -1 of {-1, -1}
    }
}

// blockIdx.y: a block size, then the slices, then the weights.
__global__ void __launch_bounds__(kScheduleThreads)
    ragged_metadata(const __grid_constant__ RaggedJob job) {
    __shared__ SchedulePrefixSum::Storage storage;
    extern __shared__ int first_blocks[]; // [slices]
    const int part = int(blockIdx.y);
    if (part < job.args.block_sizes) {
        write_blocks(job, part, first_blocks, storage);
    } else if (part == job.args.block_sizes) {
        if (blockIdx.x == 0 && job.args.slice_offs)
            write_slice_offs(job.args, storage);
    } else {
        for (std::int64_t i = everyone(); i < job.order.slots; i += stride()) {
            const std::int32_t slot = job.order.order[i];
            job.order.sorted_weights[i] = slot >= 0 ? job.order.weights[slot] : 0.0f;
        }
    }
}

} // namespace

ms_status enqueue_ragged_metadata(const ms_ragged_metadata_args &args, const WeightOrder &order,
                                  ms_stream stream) {
    RaggedJob job{args, 0, order};
    if (args.tiles || args.block_schedule)
        job.max_tiles = ms_max_tiles(args.rows, args.slices, args.first_block_rows);
    const std::int64_t most = std::max(job.max_tiles, order.weights ? order.slots : 0);
    const std::int64_t blocks = (most + kScheduleThreads - 1) / kScheduleThreads;
    const dim3 grid(unsigned(std::clamp<std::int64_t>(blocks, 1, kMaxBlocks)),
                    unsigned(args.block_sizes + (order.weights ? 2 : 1)));
    ragged_metadata<<<grid, kScheduleThreads, args.slices * sizeof(int), stream>>>(job);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope

extern "C" ms_status ms_ragged_metadata(const ms_ragged_metadata_args *args, ms_stream stream) {
    using namespace moescope;
    ms_ragged_metadata_args full;
    if (const ms_status status = check_ragged_metadata(args, full); status != MS_OK)
        return status;
    return enqueue_ragged_metadata(full, {}, stream);
}
