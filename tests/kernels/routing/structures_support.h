// Routing structures on the host: the references' answers in vectors.
#pragma once

#include "kernels/reference.h"
#include "tests/kernels/routing/metadata_support.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace moescope::test {

struct BitMatrix {
    std::vector<std::uint32_t> bits;
    std::vector<std::int32_t> col_sum, col_offs, col_sorted_indx, row_sorted_indx;
};

inline std::int64_t whole_words(std::int64_t tokens) { return (tokens + 31) / 32 * 32; }

inline ms_bitmatrix_args bitmatrix_args(std::int64_t tokens, std::int32_t experts,
                                        std::int32_t top_k) {
    ms_bitmatrix_args args{};
    args.struct_size = sizeof args;
    args.experts = experts;
    args.top_k = top_k;
    args.tokens = tokens;
    args.bits_stride = whole_words(tokens);
    return args;
}

inline BitMatrix reference_bitmatrix(const std::vector<std::int32_t> &ids, std::int32_t experts,
                                     std::int32_t top_k) {
    ms_bitmatrix_args args = bitmatrix_args(std::int64_t(ids.size()) / top_k, experts, top_k);
    BitMatrix out;
    out.bits.assign(std::size_t((experts + 31) / 32 * args.bits_stride), 7u);
    out.col_sum.assign(std::size_t(experts), -7);
    out.col_offs.assign(std::size_t(experts) + 1, -7);
    out.col_sorted_indx.assign(ids.size(), -7);
    out.row_sorted_indx.assign(ids.size(), -7);
    args.ids = ids.data();
    args.bits = out.bits.data();
    args.col_sum = out.col_sum.data();
    args.col_offs = out.col_offs.data();
    args.col_sorted_indx = out.col_sorted_indx.data();
    args.row_sorted_indx = out.row_sorted_indx.data();
    const ms_status status = reference::bitmatrix(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return out;
}

// What a token selects, each of its experts once, some of them ids that no expert has.
inline std::vector<std::int32_t> distinct_ids(std::int64_t tokens, std::int32_t experts,
                                              std::int32_t top_k, std::mt19937_64 &random) {
    std::vector<std::int32_t> ids(std::size_t(tokens * top_k));
    for (std::size_t slot = 0; slot < ids.size(); ++slot) {
        const auto row = ids.begin() + std::ptrdiff_t(slot - slot % std::size_t(top_k));
        const auto here = ids.begin() + std::ptrdiff_t(slot);
        do
            *here = std::int32_t(random() % std::uint64_t(experts));
        while (std::find(row, here, *here) != here);
    }
    for (std::int32_t &id : ids)
        if (random() % 16 == 0)
            id = random() % 2 ? -1 : experts;
    return ids;
}

struct Ragged {
    std::vector<std::int32_t> slice_offs, block_offs, block_schedule;
    std::vector<ms_tile> tiles;
};

inline ms_ragged_metadata_args ragged_args(std::int32_t slices, std::int64_t rows,
                                           std::int32_t first_block_rows,
                                           std::int32_t block_sizes) {
    ms_ragged_metadata_args args{};
    args.struct_size = sizeof args;
    args.slices = slices;
    args.rows = rows;
    args.first_block_rows = first_block_rows;
    args.block_sizes = block_sizes;
    args.schedule_stride = ms_max_tiles(rows, slices, first_block_rows);
    return args;
}

inline Ragged reference_ragged(const std::vector<std::int32_t> &slice_sizes, std::int64_t rows,
                               std::int32_t first_block_rows, std::int32_t block_sizes,
                               bool packed = true) {
    ms_ragged_metadata_args args = ragged_args(std::int32_t(slice_sizes.size()), rows,
                                               first_block_rows, block_sizes);
    const auto entries = std::size_t(args.schedule_stride * block_sizes);
    Ragged out;
    out.slice_offs.assign(slice_sizes.size() + 1, -7);
    out.block_offs.assign((slice_sizes.size() + 1) * std::size_t(block_sizes), -7);
    out.block_schedule.assign(packed ? entries : 0, -7);
    out.tiles.assign(entries, ms_tile{-7, -7});
    args.slice_sizes = slice_sizes.data();
    args.slice_offs = out.slice_offs.data();
    args.block_offs = out.block_offs.data();
    args.block_schedule = packed ? out.block_schedule.data() : nullptr;
    args.tiles = out.tiles.data();
    const ms_status status = reference::ragged_metadata(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return out;
}

struct RoutingData {
    std::vector<float> gate_scal;
    std::vector<std::int32_t> gather_indx, scatter_indx, expt_hist, token_offs_raw, token_offs_pad,
        block_pid_map;
};

inline ms_routing_data_args routing_data_args(std::int64_t slots, std::int32_t experts,
                                              std::int32_t first_block_rows,
                                              std::int32_t block_sizes) {
    ms_routing_data_args args{};
    args.struct_size = sizeof args;
    args.experts = experts;
    args.slots = slots;
    args.first_block_rows = first_block_rows;
    args.block_sizes = block_sizes;
    args.schedule_stride = ms_max_tiles(slots, experts, first_block_rows);
    return args;
}

inline RoutingData reference_routing_data(const std::vector<std::int32_t> &ids,
                                          const std::vector<float> &weights, std::int32_t experts,
                                          std::int32_t first_block_rows, std::int32_t block_sizes) {
    ms_routing_data_args args =
        routing_data_args(std::int64_t(ids.size()), experts, first_block_rows, block_sizes);
    RoutingData out;
    out.gate_scal.assign(ids.size(), -7);
    out.gather_indx.assign(ids.size(), -7);
    out.scatter_indx.assign(ids.size(), -7);
    out.expt_hist.assign(std::size_t(experts), -7);
    out.token_offs_raw.assign(std::size_t(experts) + 1, -7);
    out.token_offs_pad.assign((std::size_t(experts) + 1) * std::size_t(block_sizes), -7);
    out.block_pid_map.assign(std::size_t(args.schedule_stride * block_sizes), -7);
    args.ids = ids.data();
    args.weights = weights.data();
    args.gate_scal = out.gate_scal.data();
    args.gather_indx = out.gather_indx.data();
    args.scatter_indx = out.scatter_indx.data();
    args.expt_hist = out.expt_hist.data();
    args.token_offs_raw = out.token_offs_raw.data();
    args.token_offs_pad = out.token_offs_pad.data();
    args.block_pid_map = out.block_pid_map.data();
    const ms_status status = reference::routing_data(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return out;
}

} // namespace moescope::test
