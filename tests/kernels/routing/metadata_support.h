// Route metadata on the host: random ids, the reference's answer, and equality of schedules.
#pragma once

#include "kernels/reference.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <random>
#include <vector>

namespace moescope::test {

struct Metadata {
    std::vector<std::int32_t> counts, offsets, sorted_slots, inverse;
    std::vector<ms_tile> tiles;
};

// Some skewed, some all to one expert, and some of them ids that no expert has.
inline std::vector<std::int32_t> random_ids(std::int64_t slots, std::int32_t experts,
                                            std::mt19937_64 &random) {
    constexpr std::int32_t extremes[] = {INT32_MIN, INT32_MAX, -1};
    const auto hot_percent = (random() % 3) * 45; // 0, 45 or 90
    const bool sentinels = random() % 2;
    const auto hot = std::int32_t(random() % std::uint64_t(experts));
    std::vector<std::int32_t> ids(std::size_t(slots), hot);
    for (std::int32_t &id : ids) {
        if (random() % 100 >= hot_percent)
            id = std::int32_t(random() % std::uint64_t(experts));
        if (sentinels && random() % 8 == 0)
            id = random() % 2 ? experts : extremes[random() % 3];
    }
    return ids;
}

inline ms_route_metadata_args metadata_args(std::int64_t slots, std::int32_t experts,
                                            std::int32_t block_rows) {
    ms_route_metadata_args args{};
    args.struct_size = sizeof args;
    args.experts = experts;
    args.slots = slots;
    args.block_rows = block_rows;
    return args;
}

inline Metadata reference_metadata(const std::vector<std::int32_t> &ids, std::int32_t experts,
                                   std::int32_t block_rows) {
    const auto slots = std::int64_t(ids.size());
    Metadata out;
    out.counts.assign(std::size_t(experts), -7);
    out.offsets.assign(std::size_t(experts) + 1, -7);
    out.sorted_slots.assign(ids.size(), -7);
    out.inverse.assign(ids.size(), -7);
    out.tiles.assign(std::size_t(ms_max_tiles(slots, experts, block_rows)), ms_tile{-7, -7});
    ms_route_metadata_args args = metadata_args(slots, experts, block_rows);
    args.ids = ids.data();
    args.counts = out.counts.data();
    args.offsets = out.offsets.data();
    args.sorted_slots = out.sorted_slots.data();
    args.inverse = out.inverse.data();
    args.tiles = out.tiles.data();
    const ms_status status = reference::route_metadata(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return out;
}

inline std::vector<ms_tile> reference_schedule(const std::vector<std::int32_t> &offsets,
                                               std::int64_t slots, std::int32_t block_rows) {
    ms_tile_schedule_args args{};
    args.struct_size = sizeof args;
    args.experts = std::int32_t(offsets.size()) - 1;
    args.offsets = offsets.data();
    args.slots = slots;
    args.block_rows = block_rows;
    std::vector<ms_tile> tiles(std::size_t(ms_max_tiles(slots, args.experts, block_rows)),
                               ms_tile{-7, -7});
    args.tiles = tiles.data();
    const ms_status status = reference::tile_schedule(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return tiles;
}

inline bool same_tiles(const std::vector<ms_tile> &a, const std::vector<ms_tile> &b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](ms_tile x, ms_tile y) {
               return x.expert == y.expert && x.tile == y.tile;
           });
}

} // namespace moescope::test
