// Writing a tile schedule from offsets, by any number of blocks of kScheduleThreads threads.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "kernels/routing/block_prefix_sum.cuh"

#include <cstdint>

namespace moescope {

constexpr int kScheduleThreads = 512;
using SchedulePrefixSum = BlockPrefixSum<kScheduleThreads>;

struct TileSchedule {
    const std::int32_t *offsets; // [E+1]
    std::int32_t experts;
    std::int32_t block_rows;
    std::int64_t max_tiles;
    ms_tile *tiles; // [max_tiles]
};

// The last expert whose first tile is at or before `tile`: it owns it. first_tiles ascends.
__device__ inline int owner_of_tile(const int *first_tiles, int experts, std::int64_t tile) {
    int low = 0, high = experts; // first_tiles[low] <= tile < first_tiles[high]
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (first_tiles[middle] <= tile)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// Writes tiles[begin], tiles[begin + step], ... of the calling thread; the whole block calls it.
// first_tiles: shared scratch for `experts` numbers.
__device__ inline void write_schedule(const TileSchedule &schedule, int *first_tiles,
                                      SchedulePrefixSum::Storage &storage, std::int64_t begin,
                                      std::int64_t step) {
    const int total = SchedulePrefixSum::run(
        storage, schedule.experts,
        [&](int expert) {
            const int rows = schedule.offsets[expert + 1] - schedule.offsets[expert];
            return rows / schedule.block_rows + (rows % schedule.block_rows > 0);
        },
        [&](int expert, int first_tile) { first_tiles[expert] = first_tile; });
    for (std::int64_t i = begin; i < schedule.max_tiles; i += step) {
        ms_tile tile{-1, -1};
        if (i < total) {
            tile.expert = owner_of_tile(first_tiles, schedule.experts, i);
            tile.tile = int(i) - first_tiles[tile.expert];
        }
        schedule.tiles[i] = tile;
    }
}

// Enqueues a kernel that writes the whole schedule.
ms_status enqueue_schedule(const TileSchedule &schedule, ms_stream stream);

} // namespace moescope
