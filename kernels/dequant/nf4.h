// A quantiser to NF4 for making realistic weights.
// For weights of many gigabytes, random bits do as well and cost no quantising: any byte is two
// valid nibbles (fill_bytes), and any float an absmax (fill_uniform).
#pragma once

#include "kernels/dequant/weight_formats.h"
#include "kernels/include/moescope/kernels.h"

#include <array>
#include <cstdint>
#include <vector>

namespace moescope {

// The 8-bit code that nested absmax values are quantised with: 0, 1 and +-10^(i-6) * (0.1 + 0.9 *
// (j + 1/2) / 2^i), i = 0..6, j < 2^i, ascending. Dettmers, "8-bit Approximations for Parallelism
// in Deep Learning" (arXiv 1511.04561); bitsandbytes' create_dynamic_map(signed=True).
std::array<float, 256> make_dynamic_code();

// A quantised flat array; the host arrays behind an ms_expert_weights.
struct Nf4Array {
    std::vector<std::uint8_t> packed;
    std::vector<float> absmax;           // empty when nested
    std::vector<std::uint8_t> absmax_u8; // empty unless nested
    std::vector<float> nested_code;
    std::vector<float> nested_absmax;
    float nested_offset = 0;
    std::int32_t nested_block = 0;
    std::int32_t block_size = 0;

    // Host pointers into this object. experts * expert_numel is the quantised count.
    ms_expert_weights view(std::int32_t experts, std::int64_t expert_numel) const;
};

// Quantises count finite values (any order of magnitude) in blocks of block_size, as bitsandbytes
// does: absmax = max |x| of the block, each x / absmax to the nearest code value. nested_block > 0:
// absmax minus its mean is quantised once more, in blocks of nested_block values.
Nf4Array quantize_nf4(const float *values, std::int64_t count, std::int32_t block_size,
                      std::int32_t nested_block);

} // namespace moescope
