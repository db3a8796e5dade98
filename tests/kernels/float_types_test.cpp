#include "kernels/common/float_types.h"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

using namespace moescope;

TEST_CASE("every float16 and bfloat16 that is not NaN survives widening and narrowing") {
    int wrong = 0;
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = std::uint16_t(bits);
        if (!std::isnan(f16_to_float(half)) && float_to_f16(f16_to_float(half)) != half)
            ++wrong;
        if (!std::isnan(bf16_to_float(half)) && float_to_bf16(bf16_to_float(half)) != half)
            ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("narrowing rounds to nearest, ties to even, and overflows to infinity") {
    CHECK(float_to_bf16(1.0f + 0x1p-8f) == 0x3f80);             // tie: down to even
    CHECK(float_to_bf16(1.0f + 0x1p-7f + 0x1p-8f) == 0x3f82);   // tie: up to even
    CHECK(float_to_f16(1.0f + 0x1p-11f) == 0x3c00);             // tie: down to even
    CHECK(float_to_f16(65519.0f) == 0x7bff);
    CHECK(float_to_f16(65520.0f) == 0x7c00);
    CHECK(float_to_f16(0x1p-25f) == 0x0000);                    // tie to zero
    CHECK(float_to_f16(0x1.8p-25f) == 0x0001);                  // smallest subnormal
    CHECK(std::isnan(f16_to_float(float_to_f16(std::numeric_limits<float>::quiet_NaN()))));
}
