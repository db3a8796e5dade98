// What a routing means for the tiles of a grouped GEMM: load, padding, waves. Pure arithmetic.
#pragma once

#include "profiler/plan/plan.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace moescope {

struct LoadStats {
    std::int64_t slots = 0; // sum of counts
    double mean = 0;        // over all experts, empty ones too
    std::int64_t most = 0;
    double imbalance = 0; // most / mean; 1 is even
    double variation = 0; // coefficient of variation: standard deviation / mean
    int empty = 0;
};
LoadStats load_stats(std::span<const std::int32_t> counts);

// Experts from the most loaded to the least; ties by expert. In their own order: 0, 1, 2 ...
std::vector<std::int32_t> experts_in_order(std::span<const std::int32_t> counts, bool sorted);

// How a tile kernel's family cuts an expert's rows; either makes ceil(rows / block_m) tiles of them.
//   portable  tiles of block_m, the last one with what is left; each is multiplied whole
//   wgmma     rows dealt out evenly, in eights; a tile multiplies as many as it has, in steps of 8,
//             or of 16 where block_m is above 128 (scatter2scatter_wgmma.jit.cu: share_of, dispatch)
struct RowTile {
    int block_m = 64;
    bool wgmma = false;
    std::int32_t tiles_of(std::int64_t rows) const; // an expert's
    std::int32_t share_of(std::int64_t rows) const; // rows of each of its tiles but the last
    std::int32_t multiplied(std::int32_t rows) const; // by a tile that holds so many
    friend bool operator==(const RowTile &, const RowTile &) = default;
};
RowTile row_tile(const TileConfig &config);

struct Tiling {
    RowTile tile;
    std::vector<std::int32_t> tiles;      // [E] of each expert
    std::vector<std::int64_t> first_tile; // [E + 1] running sum
    std::int64_t tile_count = 0;
    std::int64_t rows = 0;        // multiplied
    std::int64_t padded_rows = 0; // of those: hold no slot
    double wasted_share = 0;      // padded rows / rows multiplied: matrix work thrown away
};
Tiling tile_rows(std::span<const std::int32_t> counts, const RowTile &tile);

// Rows that hold slots, and rows multiplied, of tiles [first, last).
struct TileRows {
    std::int64_t used = 0, multiplied = 0;
};
TileRows rows_of_tiles(const Tiling &tiling, std::span<const std::int32_t> counts, std::int64_t first,
                       std::int64_t last);
// The expert that owns a tile.
std::int32_t expert_of_tile(const Tiling &tiling, std::int64_t tile);

// Blocks are carried out in waves of as many as the device holds at once; the last is not full.
struct Waves {
    std::int64_t blocks = 0;
    std::int64_t capacity = 0; // blocks at once: multiprocessors * blocks_per_sm
    std::int64_t waves = 0;    // the last one counted
    std::int64_t in_last = 0;  // blocks of the last wave
    double last_fill = 0;      // in_last / capacity
    double lost_share = 0;     // idle places over all places, if every block takes equally long
};
Waves waves_of(std::int64_t row_tiles, std::int64_t columns, int block_n, int multiprocessors,
               int blocks_per_sm);

} // namespace moescope
