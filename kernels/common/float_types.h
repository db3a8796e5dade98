// float16 and bfloat16 as bits, on the host: exact widening, round to nearest even when narrowing.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace moescope {

inline float bf16_to_float(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t(bits) << 16); }

inline std::uint16_t float_to_bf16(float value) {
    std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    if (std::isnan(value))
        return std::uint16_t((bits >> 16) | 0x40);
    bits += 0x7fff + ((bits >> 16) & 1);
    return std::uint16_t(bits >> 16);
}

inline float f16_to_float(std::uint16_t bits) {
    const std::uint32_t sign = std::uint32_t(bits & 0x8000) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1f;
    const std::uint32_t mantissa = bits & 0x3ff;
    if (exponent == 0) // zero or subnormal: mantissa * 2^-24
        return std::copysign(std::ldexp(float(mantissa), -24), std::bit_cast<float>(sign | 0x3f800000));
    if (exponent == 31)
        return std::bit_cast<float>(sign | 0x7f800000 | (mantissa << 13));
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

inline std::uint16_t float_to_f16(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint16_t sign = std::uint16_t((bits >> 16) & 0x8000);
    const float magnitude = std::fabs(value);
    if (std::isnan(value))
        return sign | 0x7e00;
    if (magnitude >= 65520.0f)
        return sign | 0x7c00;
    if (magnitude < 6.103515625e-05f) // subnormal in float16: round to a multiple of 2^-24
        return std::uint16_t(sign | std::uint16_t(std::nearbyint(std::ldexp(magnitude, 24))));
    std::uint32_t rounded = (bits & 0x7fffffff) + 0xfff + ((bits >> 13) & 1);
    return std::uint16_t(sign | ((rounded - (112u << 23)) >> 13));
}

inline std::int64_t size_of(ms_dtype dtype) { return dtype == MS_F32 ? 4 : 2; }

// Element `index` of an array of `dtype`, widened.
inline float load_as_float(const void *data, ms_dtype dtype, std::int64_t index) {
    if (dtype == MS_F32)
        return static_cast<const float *>(data)[index];
    const std::uint16_t bits = static_cast<const std::uint16_t *>(data)[index];
    return dtype == MS_BF16 ? bf16_to_float(bits) : f16_to_float(bits);
}

inline void store_from_float(void *data, ms_dtype dtype, std::int64_t index, float value) {
    if (dtype == MS_F32)
        static_cast<float *>(data)[index] = value;
    else
        static_cast<std::uint16_t *>(data)[index] = dtype == MS_BF16 ? float_to_bf16(value) : float_to_f16(value);
}

inline float round_to(ms_dtype dtype, float value) {
    if (dtype == MS_F32)
        return value;
    return dtype == MS_BF16 ? bf16_to_float(float_to_bf16(value)) : f16_to_float(float_to_f16(value));
}

} // namespace moescope
