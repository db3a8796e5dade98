#include "kernels/common/status.h"
#include "kernels/reference.h"
#include "kernels/routing/routing_checks.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace moescope::reference {

namespace {

void fill_schedule(const std::int32_t *offsets, std::int32_t experts, std::int64_t slots,
                   std::int32_t block_rows, ms_tile *tiles) {
    ms_tile *next = tiles;
    for (std::int32_t expert = 0; expert < experts; ++expert) {
        const std::int64_t rows = std::int64_t(offsets[expert + 1]) - offsets[expert];
        for (std::int32_t tile = 0; tile * std::int64_t(block_rows) < rows; ++tile)
            *next++ = {expert, tile};
    }
    std::fill(next, tiles + ms_max_tiles(slots, experts, block_rows), ms_tile{-1, -1});
}

void sort_slots(const ms_route_metadata_args &args) {
    const auto valid = [&](std::int32_t id) { return id >= 0 && id < args.experts; };
    std::fill_n(args.counts, args.experts, 0);
    for (std::int64_t slot = 0; slot < args.slots; ++slot)
        if (valid(args.ids[slot]))
            ++args.counts[args.ids[slot]];

    args.offsets[0] = 0;
    for (std::int32_t expert = 0; expert < args.experts; ++expert)
        args.offsets[expert + 1] = args.offsets[expert] + args.counts[expert];

    std::vector<std::int32_t> next(args.offsets, args.offsets + args.experts);
    for (std::int64_t slot = 0; slot < args.slots; ++slot) {
        const std::int32_t id = args.ids[slot];
        const std::int32_t position = valid(id) ? next[id]++ : -1;
        args.inverse[slot] = position;
        if (position >= 0)
            args.sorted_slots[position] = std::int32_t(slot);
    }
    for (std::int64_t i = args.offsets[args.experts]; i < args.slots; ++i)
        args.sorted_slots[i] = -1;
}

} // namespace

ms_status route_metadata(const ms_route_metadata_args *args, ms_stream /*stream*/) {
    ms_route_metadata_args full;
    if (const ms_status status = check_route_metadata(args, full); status != MS_OK)
        return status;
    sort_slots(full);
    if (full.block_rows > 0)
        fill_schedule(full.offsets, full.experts, full.slots, full.block_rows, full.tiles);
    return succeed();
}

ms_status tile_schedule(const ms_tile_schedule_args *args, ms_stream /*stream*/) {
    ms_tile_schedule_args full;
    if (const ms_status status = check_tile_schedule(args, full); status != MS_OK)
        return status;
    fill_schedule(full.offsets, full.experts, full.slots, full.block_rows, full.tiles);
    return succeed();
}

} // namespace moescope::reference
