#include "profiler/explain/routing_math.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moescope {

namespace {

std::int64_t rounded_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

} // namespace

LoadStats load_stats(std::span<const std::int32_t> counts) {
    LoadStats stats;
    if (counts.empty())
        return stats;
    for (const std::int32_t count : counts) {
        stats.slots += count;
        stats.most = std::max<std::int64_t>(stats.most, count);
        stats.empty += count == 0;
    }
    stats.mean = double(stats.slots) / double(counts.size());
    if (stats.mean <= 0)
        return stats;
    double squares = 0;
    for (const std::int32_t count : counts)
        squares += (count - stats.mean) * (count - stats.mean);
    stats.imbalance = double(stats.most) / stats.mean;
    stats.variation = std::sqrt(squares / double(counts.size())) / stats.mean;
    return stats;
}

std::vector<std::int32_t> experts_in_order(std::span<const std::int32_t> counts, bool sorted) {
    std::vector<std::int32_t> experts(counts.size());
    std::iota(experts.begin(), experts.end(), 0);
    if (sorted)
        std::stable_sort(experts.begin(), experts.end(), [&](std::int32_t a, std::int32_t b) {
            return counts[std::size_t(a)] > counts[std::size_t(b)];
        });
    return experts;
}

std::int32_t RowTile::tiles_of(std::int64_t rows) const {
    return std::int32_t((std::max<std::int64_t>(rows, 0) + block_m - 1) / block_m);
}

std::int32_t RowTile::share_of(std::int64_t rows) const {
    const std::int32_t tiles = tiles_of(rows);
    return wgmma && tiles > 0 ? std::int32_t(rounded_up((rows + tiles - 1) / tiles, 8)) : block_m;
}

std::int32_t RowTile::multiplied(std::int32_t rows) const {
    return wgmma ? std::int32_t(rounded_up(rows, block_m <= 128 ? 8 : 16)) : block_m;
}

RowTile row_tile(const TileConfig &config) { return {config.block_m, config.is_wgmma()}; }

Tiling tile_rows(std::span<const std::int32_t> counts, const RowTile &tile) {
    Tiling tiling{.tile = tile};
    tiling.first_tile.push_back(0);
    for (const std::int32_t count : counts) {
        const std::int32_t tiles = tile.tiles_of(count);
        tiling.tiles.push_back(tiles);
        tiling.tile_count += tiles;
        tiling.first_tile.push_back(tiling.tile_count);
    }
    const TileRows all = rows_of_tiles(tiling, counts, 0, tiling.tile_count);
    tiling.rows = all.multiplied;
    tiling.padded_rows = all.multiplied - all.used;
    if (tiling.rows > 0)
        tiling.wasted_share = double(tiling.padded_rows) / double(tiling.rows);
    return tiling;
}

std::int32_t expert_of_tile(const Tiling &tiling, std::int64_t tile) {
    const auto after = std::upper_bound(tiling.first_tile.begin(), tiling.first_tile.end(), tile);
    return std::int32_t(after - tiling.first_tile.begin()) - 1;
}

TileRows rows_of_tiles(const Tiling &tiling, std::span<const std::int32_t> counts, std::int64_t first,
                       std::int64_t last) {
    TileRows found;
    while (first < last) {
        const std::size_t expert = std::size_t(expert_of_tile(tiling, first));
        const std::int64_t end = std::min(last, tiling.first_tile[expert + 1]);
        const bool with_last = end == tiling.first_tile[expert + 1];
        const std::int32_t share = tiling.tile.share_of(counts[expert]);
        const std::int64_t full = end - first - with_last;
        found.used += full * share;
        found.multiplied += full * tiling.tile.multiplied(share);
        if (with_last) {
            const std::int32_t left = counts[expert] - (tiling.tiles[expert] - 1) * share;
            found.used += left;
            found.multiplied += tiling.tile.multiplied(left);
        }
        first = end;
    }
    return found;
}

Waves waves_of(std::int64_t row_tiles, std::int64_t columns, int block_n, int multiprocessors,
               int blocks_per_sm) {
    Waves waves;
    if (block_n <= 0 || multiprocessors <= 0 || blocks_per_sm <= 0)
        return waves;
    waves.blocks = row_tiles * ((columns + block_n - 1) / block_n);
    waves.capacity = std::int64_t(multiprocessors) * blocks_per_sm;
    waves.waves = (waves.blocks + waves.capacity - 1) / waves.capacity;
    if (waves.waves == 0)
        return waves;
    waves.in_last = waves.blocks - (waves.waves - 1) * waves.capacity;
    waves.last_fill = double(waves.in_last) / double(waves.capacity);
    waves.lost_share = 1 - double(waves.blocks) / (double(waves.waves) * double(waves.capacity));
    return waves;
}

} // namespace moescope
