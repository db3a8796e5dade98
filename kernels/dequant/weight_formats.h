// Quantised weight formats on the host: their code tables, and each code's value. The references use
// these; the kernels' own decoders (decode.jit.cuh) are held against them.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace moescope {

// NormalFloat-4: quantiles of a standard normal distribution, scaled to [-1, 1]. Values: Dettmers
// et al., "QLoRA" (arXiv 2305.14314), appendix E; the same as bitsandbytes' QuantState.code for
// nf4.
inline constexpr std::array<float, 16> kNf4Code = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

// FP4 as bitsandbytes has it: {0, 1/16, 8, 12, 4, 6, 2, 3} / 12, bit 3 the sign (of 0 too).
inline constexpr std::array<float, 16> kFp4Code = {
    0.0f,         1.0f / 192,    8.0f / 12,  1.0f,  4.0f / 12,  0.5f,  2.0f / 12,  0.25f,
    -0.0f,        -1.0f / 192,   -8.0f / 12, -1.0f, -4.0f / 12, -0.5f, -2.0f / 12, -0.25f,
};

// E2M1 (OCP Microscaling Formats 1.0, table 5): bit 3 the sign, -0 included.
inline constexpr std::array<float, 16> kE2m1Code = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                                    -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

inline constexpr int kMxfp4Block = 32;
inline constexpr int kFp8Block = 128;

inline bool is_4bit(ms_weight_format format) {
    return format == MS_WEIGHTS_NF4 || format == MS_WEIGHTS_FP4 || format == MS_WEIGHTS_MXFP4;
}
inline bool is_fp8(ms_weight_format format) {
    return format == MS_WEIGHTS_FP8_TENSOR || format == MS_WEIGHTS_FP8_ROW || format == MS_WEIGHTS_FP8_BLOCK;
}

// The table of a 4-bit format.
inline const std::array<float, 16> &code_of(ms_weight_format format) {
    return format == MS_WEIGHTS_NF4 ? kNf4Code : format == MS_WEIGHTS_FP4 ? kFp4Code : kE2m1Code;
}

// E4M3 without infinities (OCP 8-bit Floating Point Specification, "E4M3"; torch.float8_e4m3fn).
inline float e4m3_to_float(std::uint8_t bits) {
    const int exponent = (bits >> 3) & 15, mantissa = bits & 7;
    float magnitude = exponent == 0 ? std::ldexp(float(mantissa), -9)
                                    : std::ldexp(float(8 + mantissa), exponent - 10);
    if ((bits & 0x7f) == 0x7f)
        magnitude = std::numeric_limits<float>::quiet_NaN();
    return bits & 0x80 ? -magnitude : magnitude;
}

// E8M0 (OCP Microscaling Formats 1.0): 2^(bits - 127); 255 is NaN.
inline float e8m0_to_float(std::uint8_t bits) {
    return bits == 255 ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0f, bits - 127);
}

} // namespace moescope
