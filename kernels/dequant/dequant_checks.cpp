#include "kernels/dequant/dequant_checks.h"

#include "kernels/common/argument_check.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

namespace moescope {

namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();

bool is_power_of_two(std::int32_t value) {
    return value > 0 && std::has_single_bit(unsigned(value));
}

void check_absmax(ArgumentCheck &check, const ms_expert_weights &weights) {
    check.require(
        (weights.absmax == nullptr) != (weights.absmax_u8 == nullptr), "weights.absmax",
        weights.absmax ? "set beside weights.absmax_u8" : "null, and so is weights.absmax_u8",
        "the only one of the two that is set, or null with weights.absmax_u8 set (nested)");
    if (weights.absmax_u8 == nullptr) {
        check.pointer("weights.absmax", weights.absmax, 4);
        return;
    }
    check.pointer("weights.nested_code", weights.nested_code, 4)
        .pointer("weights.nested_absmax", weights.nested_absmax, 4)
        .require(is_power_of_two(weights.nested_block), "weights.nested_block",
                 std::to_string(weights.nested_block), "a power of two")
        .finite("weights.nested_offset", weights.nested_offset);
}

void check_4bit(ArgumentCheck &check, const ms_expert_weights &weights) {
    check
        .require(is_power_of_two(weights.block_size) && weights.block_size >= 32 &&
                     weights.block_size <= 4096,
                 "weights.block_size", std::to_string(weights.block_size),
                 "a power of two from 32 to 4096")
        .optional_pointer("weights.code", weights.code, 4);
    check_absmax(check, weights);
}

void check_fp8(ArgumentCheck &check, const ms_expert_weights &weights) {
    check.pointer("weights.scales", weights.scales, 4);
    if (weights.format == MS_WEIGHTS_FP8_TENSOR)
        return;
    check.range("weights.columns", weights.columns, 1, kMaxInt32);
    if (!check.failed())
        check.require(weights.expert_numel % weights.columns == 0, "weights.expert_numel",
                      std::to_string(weights.expert_numel),
                      "a multiple of weights.columns, " + std::to_string(weights.columns));
}

void check_weights(ArgumentCheck &check, const ms_expert_weights &weights, ms_dtype out_dtype) {
    const bool dense = weights.format == MS_WEIGHTS_DENSE;
    check.range("weights.format", weights.format, MS_WEIGHTS_NF4, MS_WEIGHTS_DENSE)
        .range("weights.experts", weights.experts, 1, kMaxInt32)
        // A multiple of a tile may be added to an index: keep well clear of 2^63.
        .range("weights.expert_numel", weights.expert_numel, 1,
               (std::int64_t(1) << 58) / std::max(1, weights.experts))
        .pointer("weights.values", weights.values, dense ? (out_dtype == MS_F32 ? 4 : 2) : 1);
    switch (weights.format) {
    case MS_WEIGHTS_NF4:
    case MS_WEIGHTS_FP4:
        return check_4bit(check, weights);
    case MS_WEIGHTS_FP8_TENSOR:
    case MS_WEIGHTS_FP8_ROW:
    case MS_WEIGHTS_FP8_BLOCK:
        return check_fp8(check, weights);
    case MS_WEIGHTS_MXFP4:
        check.pointer("weights.exponents", weights.exponents, 1);
        return;
    default:
        return;
    }
}

// Which experts: all, those of a list, or those of the ids.
void check_experts(ArgumentCheck &check, const ms_selective_dequant_args &args) {
    if (args.ids == nullptr && args.active == nullptr) {
        check.range("capacity", args.capacity, args.weights.experts, kMaxInt32,
                    "active is null: all experts");
        return;
    }
    check.range("capacity", args.capacity, 1, kMaxInt32)
        .pointer("active", args.active, 4)
        .pointer("count", args.count, 4)
        .optional_pointer("scratch", args.scratch, 4);
    if (args.ids == nullptr)
        return;
    check.pointer("ids", args.ids, 4)
        .pointer("remap", args.remap, 4)
        .range("slots", args.slots, 0, kNoLimit)
        .range("weights.experts", args.weights.experts, 1, 4096, "ids is set");
}

} // namespace

ms_status check_active_experts(const ms_active_experts_args *args, ms_active_experts_args &full) {
    ArgumentCheck check("ms_active_experts");
    check.read(args, full)
        .range("experts", full.experts, 1, 4096)
        .range("slots", full.slots, 0, kNoLimit);
    if (full.slots > 0)
        check.pointer("ids", full.ids, 4);
    return check.pointer("active", full.active, 4)
        .pointer("remap", full.remap, 4)
        .pointer("count", full.count, 4)
        .status();
}

ms_status check_selective_dequant(const ms_selective_dequant_args *args,
                                  ms_selective_dequant_args &full) {
    ArgumentCheck check("ms_selective_dequant");
    check.read(args, full).dtype("out_dtype", full.out_dtype, {MS_F32, MS_F16, MS_BF16});
    check_weights(check, full.weights, full.out_dtype);
    check_experts(check, full);
    return check.pointer("out", full.out, full.out_dtype == MS_F32 ? 4 : 2).status();
}

ms_status check_compact_experts(const ms_compact_experts_args *args,
                                ms_compact_experts_args &full) {
    ArgumentCheck check("ms_compact_experts");
    check.read(args, full)
        .range("experts", full.experts, 1, 4096)
        .range("capacity", full.capacity, 1, 4096)
        .pointer("offsets", full.offsets, 4)
        .pointer("active", full.active, 4)
        .pointer("count", full.count, 4)
        .pointer("compact_offsets", full.compact_offsets, 4);
    return check.status();
}

ms_status check_select_experts(const ms_select_experts_args *args, ms_select_experts_args &full) {
    ArgumentCheck check("ms_select_experts");
    check.read(args, full)
        .multiple_of("row_bytes", full.row_bytes, 2)
        .range("experts", full.experts, 1, kMaxInt32)
        .range("row_bytes", full.row_bytes, 2, (std::int64_t(1) << 60) / std::max(1, full.experts),
               "2^60 / experts")
        .range("capacity", full.capacity, 1, kMaxInt32)
        .pointer("src", full.src, 2)
        .pointer("active", full.active, 4)
        .pointer("count", full.count, 4)
        .pointer("dst", full.dst, 2);
    return check.status();
}

} // namespace moescope
