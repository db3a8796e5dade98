#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/dequant/active_rows.h"
#include "kernels/dequant/dequant_checks.h"
#include "kernels/reference.h"

#include <cstdint>

namespace moescope::reference {

namespace {

// `block` counts over all experts: bitsandbytes quantises them as one flat array.
float absmax_of(const ms_nf4_weights &weights, std::int64_t block) {
    if (weights.absmax != nullptr)
        return weights.absmax[block];
    const float nested = weights.nested_absmax[block / weights.nested_block];
    return weights.nested_code[weights.absmax_u8[block]] * nested + weights.nested_offset;
}

float value_at(const ms_nf4_weights &weights, std::int64_t index) {
    const std::uint8_t byte = weights.packed[index / 2];
    const int nibble = index % 2 == 0 ? byte >> 4 : byte & 15;
    return weights.code[nibble] * absmax_of(weights, index / weights.block_size);
}

} // namespace

ms_status selective_dequant(const ms_selective_dequant_args *args, ms_stream) {
    ms_selective_dequant_args full;
    if (const ms_status status = check_selective_dequant(args, full))
        return status;
    const ActiveRows rows{full.active, full.count, full.capacity, full.weights.experts};
    const std::int64_t numel = full.weights.expert_numel;
    parallel_for(row_count(rows) * numel, 1 << 14, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int32_t expert = expert_of(rows, i / numel);
            if (expert >= 0)
                store_from_float(full.out, full.out_dtype, i,
                                 value_at(full.weights, expert * numel + i % numel));
        }
    });
    return MS_OK;
}

} // namespace moescope::reference
