#include "app/lessons/figures/sorting.h"

#include <algorithm>
#include <functional>

namespace moescope::lessons {

std::vector<BitonicStep> bitonic_steps(std::vector<std::uint64_t> keys) {
    keys.resize(kWarpLanes, 0);
    std::vector<BitonicStep> steps;
    for (int run = 2; run <= kWarpLanes; run *= 2)
        for (int distance = run / 2; distance > 0; distance /= 2) {
            const std::vector<std::uint64_t> before = keys;
            for (int lane = 0; lane < kWarpLanes; ++lane) {
                const std::uint64_t own = before[std::size_t(lane)], other = before[std::size_t(lane ^ distance)];
                const bool run_descends = (lane & run) == 0;
                const bool is_lower_lane = (lane & distance) == 0;
                const bool keep_larger = run_descends == is_lower_lane;
                keys[std::size_t(lane)] = (own > other) == keep_larger ? own : other;
            }
            steps.push_back({run, distance, keys});
        }
    return steps;
}

BlockShape block_shape(int experts) {
    return experts <= 64    ? BlockShape{32, 2}
           : experts <= 128 ? BlockShape{64, 2}
           : experts <= 256 ? BlockShape{128, 2}
           : experts <= 512 ? BlockShape{256, 2}
                            : BlockShape{256, 4};
}

std::vector<MergeRound> merge_rounds(const std::vector<std::uint64_t> &row, BlockShape shape) {
    std::vector<std::uint64_t> keys(std::size_t(shape.keys()), 0);
    for (std::size_t i = 0; i < std::min(row.size(), keys.size()); ++i)
        keys[i % std::size_t(shape.threads) * std::size_t(shape.items) + i / std::size_t(shape.threads)] = row[i];
    std::vector<MergeRound> rounds{{1, keys}};
    for (auto first = keys.begin(); first != keys.end(); first += shape.items)
        std::sort(first, first + shape.items, std::greater<>());
    rounds.push_back({shape.items, keys});
    for (std::size_t run = std::size_t(shape.items); run < keys.size(); run *= 2) {
        std::vector<std::uint64_t> merged(keys.size());
        for (std::size_t at = 0; at < keys.size(); at += 2 * run) {
            const auto first = keys.begin() + std::ptrdiff_t(at), middle = first + std::ptrdiff_t(run);
            std::merge(first, middle, middle, middle + std::ptrdiff_t(run), merged.begin() + std::ptrdiff_t(at),
                       std::greater<>());
        }
        keys = std::move(merged);
        rounds.push_back({int(2 * run), keys});
    }
    return rounds;
}

} // namespace moescope::lessons
