#include "kernels/common/status.h"
#include "kernels/reference.h"
#include "kernels/routing/routing_checks.h"

#include <algorithm>
#include <cstdint>

namespace moescope::reference {

namespace {

void set_bits(const ms_bitmatrix_args &args) {
    const std::int64_t words = (args.experts + 31) / 32;
    std::fill_n(args.bits, words * args.bits_stride, 0u);
    for (std::int64_t slot = 0; slot < args.tokens * args.top_k; ++slot) {
        const std::int32_t id = args.ids[slot];
        if (id >= 0 && id < args.experts)
            args.bits[id / 32 * args.bits_stride + slot / args.top_k] |= 1u << (id % 32);
    }
}

// One block size: its offsets, and its schedule in the forms that are asked for.
void schedule_blocks(const ms_ragged_metadata_args &args, std::int32_t size_index) {
    const std::int64_t block_rows = std::int64_t(args.first_block_rows) << size_index;
    const std::int64_t max_tiles = ms_max_tiles(args.rows, args.slices, args.first_block_rows);
    std::int32_t *offs = args.block_offs + size_index * (args.slices + std::int64_t(1));
    std::int32_t *packed =
        args.block_schedule ? args.block_schedule + size_index * args.schedule_stride : nullptr;
    ms_tile *wide = args.tiles ? args.tiles + size_index * args.schedule_stride : nullptr;
    if (packed)
        std::fill_n(packed, max_tiles, -1);
    if (wide)
        std::fill_n(wide, max_tiles, ms_tile{-1, -1});
    std::int64_t next = 0;
    for (std::int32_t slice = 0; slice < args.slices; ++slice) {
        offs[slice] = std::int32_t(next);
        for (std::int64_t block = 0; block * block_rows < args.slice_sizes[slice]; ++block, ++next) {
            if (packed)
                packed[next] = std::int32_t(std::uint32_t(block) << 16 | std::uint32_t(slice));
            if (wide)
                wide[next] = {slice, std::int32_t(block)};
        }
    }
    offs[args.slices] = std::int32_t(next);
}

void make_ragged(const ms_ragged_metadata_args &args) {
    args.slice_offs[0] = 0;
    for (std::int32_t slice = 0; slice < args.slices; ++slice)
        args.slice_offs[slice + 1] = args.slice_offs[slice] + args.slice_sizes[slice];
    for (std::int32_t i = 0; i < args.block_sizes; ++i)
        schedule_blocks(args, i);
}

} // namespace

ms_status bitmatrix(const ms_bitmatrix_args *args, ms_stream stream) {
    ms_bitmatrix_args full;
    if (const ms_status status = check_bitmatrix(args, full); status != MS_OK)
        return status;
    set_bits(full);
    const ms_route_metadata_args sort = sort_of(full);
    return route_metadata(&sort, stream);
}

ms_status ragged_metadata(const ms_ragged_metadata_args *args, ms_stream /*stream*/) {
    ms_ragged_metadata_args full;
    if (const ms_status status = check_ragged_metadata(args, full); status != MS_OK)
        return status;
    make_ragged(full);
    return succeed();
}

ms_status routing_data(const ms_routing_data_args *args, ms_stream stream) {
    ms_routing_data_args full;
    if (const ms_status status = check_routing_data(args, full); status != MS_OK)
        return status;
    const ms_route_metadata_args sort = sort_of(full);
    if (const ms_status status = route_metadata(&sort, stream); status != MS_OK)
        return status;
    make_ragged(schedules_of(full));
    for (std::int64_t i = 0; i < full.slots; ++i)
        full.gate_scal[i] = full.gather_indx[i] >= 0 ? full.weights[full.gather_indx[i]] : 0.0f;
    return succeed();
}

} // namespace moescope::reference
