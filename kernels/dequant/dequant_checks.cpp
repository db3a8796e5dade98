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

void check_absmax(ArgumentCheck &check, const ms_nf4_weights &weights) {
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

void check_weights(ArgumentCheck &check, const ms_nf4_weights &weights) {
    check
        .range("weights.experts", weights.experts, 1, kMaxInt32)
        // A multiple of a tile may be added to an index: keep well clear of 2^63.
        .range("weights.expert_numel", weights.expert_numel, 1,
               (std::int64_t(1) << 60) / std::max(1, weights.experts))
        .require(is_power_of_two(weights.block_size) && weights.block_size >= 32 &&
                     weights.block_size <= 4096,
                 "weights.block_size", std::to_string(weights.block_size),
                 "a power of two from 32 to 4096")
        .pointer("weights.packed", weights.packed, 1)
        .pointer("weights.code", weights.code, 4);
    check_absmax(check, weights);
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
    check_weights(check, full.weights);
    if (full.active == nullptr)
        check.range("capacity", full.capacity, full.weights.experts, kMaxInt32,
                    "active is null: all experts");
    else
        check.range("capacity", full.capacity, 1, kMaxInt32)
            .pointer("active", full.active, 4)
            .pointer("count", full.count, 4);
    return check.pointer("out", full.out, full.out_dtype == MS_F32 ? 4 : 2).status();
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
