#include "kernels/dequant/nf4.h"
#include "kernels/reference.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/vectors/vector_file.h"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>

using namespace moescope;
using namespace moescope::test;

namespace {

// The weights of a case as one expert, and bitsandbytes' result.
struct Nf4Case {
    std::string name;
    ms_dtype dtype = MS_F32;
    std::size_t count = 0;
    std::size_t stride = 1;    // every stride-th result is kept
    std::vector<float> values; // what was quantised, or empty
    std::vector<float> code;
    Nf4Array array;
    std::vector<std::uint32_t> out_bits;
};

Nf4Case parse(const VectorCase &from) {
    Nf4Case out;
    out.name = from.name;
    out.dtype = from.text("dtype") == "f32"   ? MS_F32
                : from.text("dtype") == "f16" ? MS_F16
                                              : MS_BF16;
    out.count = std::size_t(from.integer("count"));
    out.stride = std::size_t(from.integer("stride"));
    out.array.block_size = from.integer("block_size");
    const std::size_t blocks =
        (out.count + std::size_t(out.array.block_size) - 1) / std::size_t(out.array.block_size);
    out.code = from.array<float>("code", 16);
    out.array.packed = from.array<std::uint8_t>("packed", (out.count + 1) / 2);
    if (from.has("values"))
        out.values = from.array<float>("values", out.count);
    if (from.has("absmax")) {
        out.array.absmax = from.array<float>("absmax", blocks);
    } else {
        out.array.nested_block = from.integer("nested_block");
        const auto nested = std::size_t(out.array.nested_block);
        out.array.nested_offset = float(from.number("nested_offset"));
        out.array.absmax_u8 = from.array<std::uint8_t>("absmax_u8", blocks);
        out.array.nested_code = from.array<float>("nested_code", 256);
        out.array.nested_absmax =
            from.array<float>("nested_absmax", (blocks + nested - 1) / nested);
    }
    out.out_bits = from.array<std::uint32_t>("out_bits", (out.count + out.stride - 1) / out.stride);
    return out;
}

std::vector<Nf4Case> cases() {
    std::vector<Nf4Case> all;
    for (const VectorCase &one : read_vectors("nf4.txt"))
        all.push_back(parse(one));
    return all;
}

// Every stride-th value of the dequantised array, as bits.
std::vector<std::uint32_t> dequantised_bits(const Nf4Case &test) {
    const std::size_t size = test.dtype == MS_F32 ? 4 : 2;
    std::vector<std::uint8_t> out(test.count * size);
    ms_selective_dequant_args args{};
    args.struct_size = sizeof args;
    args.out_dtype = test.dtype;
    args.weights = test.array.view(1, std::int64_t(test.count));
    args.weights.code = test.code.data();
    args.capacity = 1;
    args.out = out.data();
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    std::vector<std::uint32_t> bits;
    for (std::size_t i = 0; i < test.count; i += test.stride) {
        std::uint32_t value = 0;
        std::memcpy(&value, &out[i * size], size);
        bits.push_back(value);
    }
    return bits;
}

} // namespace

TEST_CASE("dequantised NF4 is bitsandbytes' result to the bit") {
    for (const Nf4Case &test : cases()) {
        INFO(test.name);
        CHECK(difference(dequantised_bits(test), test.out_bits) == "");
    }
}

TEST_CASE("the NF4 code table is bitsandbytes' own") {
    CHECK(difference(std::vector<float>(kNf4Code.begin(), kNf4Code.end()), cases().front().code,
                     0) == "");
}

TEST_CASE("the 8-bit dynamic code is bitsandbytes' own to a rounding step") {
    const std::array<float, 256> code = make_dynamic_code();
    int compared = 0;
    for (const Nf4Case &test : cases())
        if (test.array.nested_block != 0) {
            CHECK(difference(std::vector<float>(code.begin(), code.end()), test.array.nested_code,
                             1e-6) == "");
            ++compared;
        }
    CHECK(compared == 3);
}

TEST_CASE("the quantiser packs the same nibbles and the same absmax as bitsandbytes") {
    int compared = 0;
    for (const Nf4Case &test : cases()) {
        if (test.values.empty())
            continue;
        INFO(test.name);
        const Nf4Array ours = quantize_nf4(test.values.data(), std::int64_t(test.count),
                                           test.array.block_size, test.array.nested_block);
        CHECK(difference(ours.packed, test.array.packed) == "");
        CHECK(difference(ours.absmax, test.array.absmax, 0) == "");
        CHECK(difference(ours.absmax_u8, test.array.absmax_u8) == "");
        CHECK(difference(ours.nested_absmax, test.array.nested_absmax, 1e-6) == "");
        CHECK(std::fabs(ours.nested_offset - test.array.nested_offset) <=
              1e-6f * std::fabs(ours.nested_offset));
        ++compared;
    }
    CHECK(compared >= 7);
}
