#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/dequant/active_rows.h"
#include "kernels/dequant/dequant_checks.h"
#include "kernels/dequant/weight_formats.h"
#include "kernels/reference.h"

#include <cstdint>
#include <cstring>

namespace moescope::reference {

namespace {

// The element of the flat array, of which `within` is the index within its expert.
struct Element {
    std::int64_t index, expert, within;
};

const std::uint8_t *bytes_of(const ms_expert_weights &weights) {
    return static_cast<const std::uint8_t *>(weights.values);
}

// `block` counts over all experts: bitsandbytes quantises them as one flat array.
float absmax_of(const ms_expert_weights &weights, std::int64_t block) {
    if (weights.absmax != nullptr)
        return weights.absmax[block];
    const float nested = weights.nested_absmax[block / weights.nested_block];
    return weights.nested_code[weights.absmax_u8[block]] * nested + weights.nested_offset;
}

float bitsandbytes_value(const ms_expert_weights &weights, std::int64_t index) {
    const std::uint8_t byte = bytes_of(weights)[index / 2];
    const int nibble = index % 2 == 0 ? byte >> 4 : byte & 15;
    const float *code = weights.code ? weights.code : code_of(weights.format).data();
    return code[nibble] * absmax_of(weights, index / weights.block_size);
}

float mxfp4_value(const ms_expert_weights &weights, std::int64_t index) {
    const std::uint8_t byte = bytes_of(weights)[index / 2];
    const int nibble = index % 2 == 0 ? byte & 15 : byte >> 4;
    return kE2m1Code[std::size_t(nibble)] * e8m0_to_float(weights.exponents[index / kMxfp4Block]);
}

std::int64_t fp8_scale_index(const ms_expert_weights &weights, const Element &at) {
    if (weights.format == MS_WEIGHTS_FP8_TENSOR)
        return at.expert;
    const std::int64_t rows = weights.expert_numel / weights.columns;
    const std::int64_t row = at.within / weights.columns, column = at.within % weights.columns;
    if (weights.format == MS_WEIGHTS_FP8_ROW)
        return at.expert * rows + row;
    const std::int64_t row_blocks = (rows + kFp8Block - 1) / kFp8Block;
    const std::int64_t column_blocks = (weights.columns + kFp8Block - 1) / kFp8Block;
    return (at.expert * row_blocks + row / kFp8Block) * column_blocks + column / kFp8Block;
}

float value_at(const ms_expert_weights &weights, const Element &at) {
    switch (weights.format) {
    case MS_WEIGHTS_NF4:
    case MS_WEIGHTS_FP4:
        return bitsandbytes_value(weights, at.index);
    case MS_WEIGHTS_MXFP4:
        return mxfp4_value(weights, at.index);
    default:
        return e4m3_to_float(bytes_of(weights)[at.index]) * weights.scales[fp8_scale_index(weights, at)];
    }
}

ms_status find_experts(const ms_selective_dequant_args &args) {
    const ms_active_experts_args find{sizeof find, args.weights.experts, args.ids,  args.slots,
                                      args.active, args.remap,           args.count};
    return active_experts(&find, nullptr);
}

} // namespace

ms_status selective_dequant(const ms_selective_dequant_args *args, ms_stream) {
    ms_selective_dequant_args full;
    if (const ms_status status = check_selective_dequant(args, full))
        return status;
    if (full.ids != nullptr)
        if (const ms_status status = find_experts(full))
            return status;
    const ms_expert_weights &weights = full.weights;
    const ActiveRows rows{full.active, full.count, full.capacity, weights.experts};
    const std::int64_t numel = weights.expert_numel, size = size_of(full.out_dtype);
    parallel_for(row_count(rows) * numel, 1 << 14, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int32_t expert = expert_of(rows, i / numel);
            if (expert < 0)
                continue;
            const Element at{expert * numel + i % numel, expert, i % numel};
            if (weights.format == MS_WEIGHTS_DENSE)
                std::memcpy(static_cast<char *>(full.out) + i * size,
                            static_cast<const char *>(weights.values) + at.index * size, std::size_t(size));
            else
                store_from_float(full.out, full.out_dtype, i, value_at(weights, at));
        }
    });
    return MS_OK;
}

} // namespace moescope::reference
