#include "kernels/common/argument_check.h"
#include "kernels/routing/routing_checks.h"

#include <cstdint>
#include <limits>

namespace moescope {

namespace {

constexpr std::int64_t kMaxSlots = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxFirstBlockRows = 4096;
constexpr std::int64_t kMaxBlockSizes = 8;
constexpr std::int64_t kMaxPackedBlocks = 1 << 16; // 16 bits of a packed entry

void check_block_sizes(ArgumentCheck &check, std::int32_t first_block_rows,
                       std::int32_t block_sizes) {
    check.range("first_block_rows", first_block_rows, 1, kMaxFirstBlockRows)
        .require((first_block_rows & (first_block_rows - 1)) == 0, "first_block_rows",
                 std::to_string(first_block_rows), "a power of two")
        .range("block_sizes", block_sizes, 1, kMaxBlockSizes);
}

ms_status check_packing(const char *function, const char *field, std::int64_t rows,
                        std::int32_t first_block_rows, const char *remedy) {
    if (rows <= kMaxPackedBlocks * first_block_rows)
        return succeed();
    return fail(MS_UNSUPPORTED,
                std::string(function) + ": " + field + " is " + std::to_string(rows) +
                    "; a packed schedule counts up to 65536 blocks of " +
                    std::to_string(first_block_rows) + " rows in a slice; " + remedy);
}

} // namespace

ms_status check_bitmatrix(const ms_bitmatrix_args *args, ms_bitmatrix_args &full) {
    ArgumentCheck check("ms_bitmatrix");
    check.read(args, full)
        .range("experts", full.experts, 1, kMaxMetadataExperts)
        .range("top_k", full.top_k, 1, full.experts, "experts")
        .range("tokens", full.tokens, 0, kMaxSlots);
    if (check.failed())
        return check.status();
    check.range("tokens", full.tokens, 0, kMaxSlots / full.top_k, "fewer than 2^31 slots")
        .range("bits_stride", full.bits_stride, full.tokens, kMaxSlots, "at least tokens")
        .pointer("col_sum", full.col_sum, alignof(std::int32_t))
        .pointer("col_offs", full.col_offs, alignof(std::int32_t));
    if (full.bits_stride > 0)
        check.pointer("bits", full.bits, alignof(std::uint32_t));
    if (full.tokens > 0)
        check.pointer("ids", full.ids, alignof(std::int32_t))
            .pointer("col_sorted_indx", full.col_sorted_indx, alignof(std::int32_t))
            .pointer("row_sorted_indx", full.row_sorted_indx, alignof(std::int32_t));
    return check.status();
}

ms_status check_ragged_metadata(const ms_ragged_metadata_args *args,
                                ms_ragged_metadata_args &full) {
    ArgumentCheck check("ms_ragged_metadata");
    check.read(args, full)
        .range("slices", full.slices, 1, kMaxMetadataExperts)
        .range("rows", full.rows, 0, kMaxSlots);
    check_block_sizes(check, full.first_block_rows, full.block_sizes);
    check.pointer("slice_sizes", full.slice_sizes, alignof(std::int32_t))
        .pointer("slice_offs", full.slice_offs, alignof(std::int32_t))
        .pointer("block_offs", full.block_offs, alignof(std::int32_t))
        .optional_pointer("block_schedule", full.block_schedule, alignof(std::int32_t))
        .optional_pointer("tiles", full.tiles, alignof(ms_tile));
    if (check.failed())
        return check.status();
    if (full.block_schedule || full.tiles)
        check.range("schedule_stride", full.schedule_stride,
                    ms_max_tiles(full.rows, full.slices, full.first_block_rows), kMaxSlots,
                    "at least ms_max_tiles");
    if (const ms_status status = check.status(); status != MS_OK || !full.block_schedule)
        return status;
    return check_packing("ms_ragged_metadata", "rows", full.rows, full.first_block_rows,
                         "ask for tiles alone");
}

ms_status check_routing_data(const ms_routing_data_args *args, ms_routing_data_args &full) {
    ArgumentCheck check("ms_routing_data");
    check.read(args, full)
        .range("experts", full.experts, 1, kMaxMetadataExperts)
        .range("slots", full.slots, 0, kMaxSlots);
    check_block_sizes(check, full.first_block_rows, full.block_sizes);
    check.pointer("expt_hist", full.expt_hist, alignof(std::int32_t))
        .pointer("token_offs_raw", full.token_offs_raw, alignof(std::int32_t))
        .pointer("token_offs_pad", full.token_offs_pad, alignof(std::int32_t));
    if (check.failed())
        return check.status();
    check.range("schedule_stride", full.schedule_stride,
                ms_max_tiles(full.slots, full.experts, full.first_block_rows), kMaxSlots,
                "at least ms_max_tiles");
    if (full.slots > 0)
        check.pointer("ids", full.ids, alignof(std::int32_t))
            .pointer("weights", full.weights, alignof(float))
            .pointer("gate_scal", full.gate_scal, alignof(float))
            .pointer("gather_indx", full.gather_indx, alignof(std::int32_t))
            .pointer("scatter_indx", full.scatter_indx, alignof(std::int32_t))
            .pointer("block_pid_map", full.block_pid_map, alignof(std::int32_t));
    if (const ms_status status = check.status(); status != MS_OK)
        return status;
    return check_packing("ms_routing_data", "slots", full.slots, full.first_block_rows,
                         "ms_ragged_metadata writes wide schedules");
}

ms_route_metadata_args sort_of(const ms_bitmatrix_args &args) {
    ms_route_metadata_args sort{};
    sort.struct_size = sizeof sort;
    sort.experts = args.experts;
    sort.ids = args.ids;
    sort.slots = args.tokens * args.top_k;
    sort.counts = args.col_sum;
    sort.offsets = args.col_offs;
    sort.sorted_slots = args.col_sorted_indx;
    sort.inverse = args.row_sorted_indx;
    sort.workspace = args.workspace;
    sort.workspace_bytes = args.workspace_bytes;
    return sort;
}

ms_route_metadata_args sort_of(const ms_routing_data_args &args) {
    ms_route_metadata_args sort{};
    sort.struct_size = sizeof sort;
    sort.experts = args.experts;
    sort.ids = args.ids;
    sort.slots = args.slots;
    sort.counts = args.expt_hist;
    sort.offsets = args.token_offs_raw;
    sort.sorted_slots = args.gather_indx;
    sort.inverse = args.scatter_indx;
    sort.workspace = args.workspace;
    sort.workspace_bytes = args.workspace_bytes;
    return sort;
}

ms_ragged_metadata_args schedules_of(const ms_routing_data_args &args) {
    ms_ragged_metadata_args ragged{};
    ragged.struct_size = sizeof ragged;
    ragged.slices = args.experts;
    ragged.slice_sizes = args.expt_hist;
    ragged.rows = args.slots;
    ragged.first_block_rows = args.first_block_rows;
    ragged.block_sizes = args.block_sizes;
    ragged.slice_offs = args.token_offs_raw;
    ragged.block_offs = args.token_offs_pad;
    ragged.schedule_stride = args.schedule_stride;
    ragged.block_schedule = args.block_pid_map;
    return ragged;
}

} // namespace moescope
