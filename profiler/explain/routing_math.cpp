#include "profiler/explain/routing_math.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moescope {

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

Tiling tile_rows(std::span<const std::int32_t> counts, int block_m) {
    Tiling tiling;
    tiling.first_tile.push_back(0);
    for (const std::int32_t count : counts) {
        const std::int32_t tiles =
            std::int32_t((std::int64_t(std::max(count, 0)) + block_m - 1) / block_m);
        tiling.tiles.push_back(tiles);
        tiling.tile_count += tiles;
        tiling.first_tile.push_back(tiling.tile_count);
        tiling.padded_rows += std::int64_t(tiles) * block_m - std::max(count, 0);
    }
    if (tiling.tile_count > 0)
        tiling.wasted_share = double(tiling.padded_rows) / (double(tiling.tile_count) * block_m);
    return tiling;
}

std::int32_t expert_of_tile(const Tiling &tiling, std::int64_t tile) {
    const auto after = std::upper_bound(tiling.first_tile.begin(), tiling.first_tile.end(), tile);
    return std::int32_t(after - tiling.first_tile.begin()) - 1;
}

std::int32_t used_rows(const Tiling &tiling, std::span<const std::int32_t> counts, int block_m,
                       std::int64_t tile) {
    const std::size_t expert = std::size_t(expert_of_tile(tiling, tile));
    const std::int64_t before = (tile - tiling.first_tile[expert]) * block_m;
    return std::int32_t(std::min<std::int64_t>(block_m, counts[expert] - before));
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
