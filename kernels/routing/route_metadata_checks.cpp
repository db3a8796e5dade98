#include "kernels/common/argument_check.h"
#include "kernels/routing/routing_checks.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace moescope {

namespace {

constexpr std::int64_t kMaxSlots = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxBlockRows = 4096;

} // namespace

ms_status check_route_metadata(const ms_route_metadata_args *args, ms_route_metadata_args &full) {
    ArgumentCheck check("ms_route_metadata");
    check.read(args, full)
        .range("experts", full.experts, 1, kMaxMetadataExperts)
        .range("slots", full.slots, 0, kMaxSlots)
        .range("block_rows", full.block_rows, 0, kMaxBlockRows)
        .pointer("counts", full.counts, alignof(std::int32_t))
        .pointer("offsets", full.offsets, alignof(std::int32_t));
    if (full.slots > 0)
        check.pointer("ids", full.ids, alignof(std::int32_t))
            .pointer("sorted_slots", full.sorted_slots, alignof(std::int32_t))
            .pointer("inverse", full.inverse, alignof(std::int32_t));
    if (full.slots > 0 && full.block_rows > 0)
        check.pointer("tiles", full.tiles, alignof(ms_tile));
    return check.status();
}

ms_status check_tile_schedule(const ms_tile_schedule_args *args, ms_tile_schedule_args &full) {
    ArgumentCheck check("ms_tile_schedule");
    check.read(args, full)
        .range("experts", full.experts, 1, kMaxMetadataExperts)
        .range("slots", full.slots, 0, kMaxSlots)
        .range("block_rows", full.block_rows, 1, kMaxBlockRows)
        .pointer("offsets", full.offsets, alignof(std::int32_t));
    if (full.slots > 0)
        check.pointer("tiles", full.tiles, alignof(ms_tile));
    return check.status();
}

} // namespace moescope

// An expert with c > 0 slots has 1 + floor((c - 1) / B) tiles. Over n experts with slots that is at
// most n + floor((S - n) / B), which does not fall as n grows: the most is reached with as many
// experts as possible holding one slot, and one of them all the rest.
extern "C" int64_t ms_max_tiles(int64_t slots, int32_t experts, int32_t block_rows) {
    if (slots <= 0 || experts <= 0 || block_rows <= 0)
        return 0;
    const int64_t used = std::min<int64_t>(slots, experts);
    return used + (slots - used) / block_rows;
}
