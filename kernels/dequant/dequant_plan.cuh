// What a dequantisation kernel is given, and where the scale of an element lies.
#pragma once

#include "kernels/dequant/active_rows.h"
#include "kernels/dequant/decode.jit.cuh"
#include "kernels/dequant/row_tiles.cuh"
#include "kernels/include/moescope/kernels.h"

#include <cstdint>

namespace moescope {

struct DequantPlan {
    ms_expert_weights weights;
    int block_shift, nested_shift;
    FastDivide columns;
    std::int64_t scales_per_expert; // FP8
    int column_blocks;              // FP8_BLOCK
    const std::int32_t *ids;        // or null
    int slots;
    std::int32_t *found_active, *found_remap, *found_count; // out, with ids
    ActiveRows rows;
    RowTiles tiles;
    unsigned first_blocks; // that run at once, and ask for the first tiles' codes; 0: none does
    std::int64_t listed_rows; // that there can be, and that a list has entries for
    unsigned *queue; // the next tile and the blocks that are done, or null: one tile a block
    void *out;
};

// How scales are kept; NF4 and FP4 differ by their tables alone.
enum class Scales { Absmax, NestedAbsmax, E8m0, Tensor, Row, Block };

__host__ __device__ constexpr bool is_fp8(Scales scales) {
    return scales == Scales::Tensor || scales == Scales::Row || scales == Scales::Block;
}

// Blocks count over all experts.
template <Scales kScales> __device__ float block_scale(const DequantPlan &plan, std::int64_t block) {
    const ms_expert_weights &weights = plan.weights;
    if constexpr (kScales == Scales::Absmax)
        return __ldg(weights.absmax + block);
    else if constexpr (kScales == Scales::NestedAbsmax)
        return decode::nested_scale(__ldg(weights.nested_code + __ldg(weights.absmax_u8 + block)),
                                    __ldg(weights.nested_absmax + (block >> plan.nested_shift)),
                                    weights.nested_offset);
    else
        return decode::e8m0_value(__ldg(weights.exponents + block));
}

// Of row `row` and column `column` of an expert's matrix.
template <Scales kScales>
__device__ float matrix_scale(const DequantPlan &plan, std::int64_t expert, std::int64_t row, std::int64_t column) {
    const float *scales = plan.weights.scales + expert * plan.scales_per_expert;
    if constexpr (kScales == Scales::Row)
        return __ldg(scales + row);
    else
        return __ldg(scales + (row >> 7) * plan.column_blocks + (column >> 7));
}

// The scales of a tile that begins at element `first` of an expert: 64-bit arithmetic once, 32-bit
// within.
template <Scales kScales> class TileScales {
  public:
    __device__ TileScales(const DequantPlan &plan, std::int64_t expert, std::int64_t first)
        : plan_(plan), expert_(expert), first_(std::uint32_t(first)) {
        if constexpr (!is_fp8(kScales)) {
            const std::int64_t index = expert * plan.weights.expert_numel + first;
            block_ = index >> plan.block_shift;
            into_block_ = std::uint32_t(index) & ((1u << plan.block_shift) - 1);
        }
    }

    // Of the 8 elements from `offset` on, which share one. FP8: first + offset < 2^31.
    __device__ float at(std::uint32_t offset) const {
        if constexpr (!is_fp8(kScales)) {
            return block_scale<kScales>(plan_, block_ + ((into_block_ + offset) >> plan_.block_shift));
        } else if constexpr (kScales == Scales::Tensor) {
            return __ldg(plan_.weights.scales + expert_);
        } else {
            const std::uint32_t within = first_ + offset, row = plan_.columns.quotient(within);
            return matrix_scale<kScales>(plan_, expert_, row, within - row * std::uint32_t(plan_.weights.columns));
        }
    }

  private:
    const DequantPlan &plan_;
    std::int64_t expert_, block_ = 0;
    std::uint32_t first_, into_block_ = 0;
};

// Of any one element.
template <Scales kScales>
__device__ float element_scale(const DequantPlan &plan, std::int64_t expert, std::int64_t within) {
    if constexpr (!is_fp8(kScales)) {
        return block_scale<kScales>(plan, (expert * plan.weights.expert_numel + within) >> plan.block_shift);
    } else if constexpr (kScales == Scales::Tensor) {
        return __ldg(plan.weights.scales + expert);
    } else {
        const std::int64_t row = within / plan.weights.columns;
        return matrix_scale<kScales>(plan, expert, row, within - row * plan.weights.columns);
    }
}

} // namespace moescope
