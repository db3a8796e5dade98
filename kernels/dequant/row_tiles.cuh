// Walks over the tiles of the active rows. How many rows there are is known on the device alone, so
// the grid is as large as the device is and every block takes each gridDim.x-th tile: no empty
// blocks for experts that are not active, no grid limit, and no division a tile.
#pragma once

#include "kernels/common/cuda_check.h"

#include <algorithm>
#include <cstdint>

namespace moescope {

struct RowTiles {
    std::int64_t tiles_per_row;
    std::int64_t row_step; // gridDim.x = row_step * tiles_per_row + tile_step
    std::int64_t tile_step;
};

struct RowTile {
    std::int64_t row;
    std::int64_t tile;
};

__device__ inline RowTile first_tile(const RowTiles &tiles) {
    return {blockIdx.x / tiles.tiles_per_row, blockIdx.x % tiles.tiles_per_row};
}

__device__ inline void next_tile(const RowTiles &tiles, RowTile &at) {
    at.row += tiles.row_step;
    at.tile += tiles.tile_step;
    if (at.tile >= tiles.tiles_per_row) {
        at.tile -= tiles.tiles_per_row;
        ++at.row;
    }
}

struct RowTileLaunch {
    RowTiles tiles;
    unsigned blocks;
};

// At most max_rows rows of row_units in tiles of tile_units, for blocks_per_sm resident blocks.
inline ms_status plan_row_tiles(std::int64_t max_rows, std::int64_t row_units,
                                std::int64_t tile_units, int blocks_per_sm, RowTileLaunch &launch) {
    int device = 0;
    int multiprocessors = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
    const std::int64_t tiles_per_row = (row_units + tile_units - 1) / tile_units;
    const std::int64_t resident = std::int64_t(multiprocessors) * blocks_per_sm;
    const std::int64_t blocks =
        std::min(resident, std::min(max_rows, resident) * std::min(tiles_per_row, resident));
    launch = {{tiles_per_row, blocks / tiles_per_row, blocks % tiles_per_row}, unsigned(blocks)};
    return MS_OK;
}

} // namespace moescope
