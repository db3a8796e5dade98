#include "kernels/dequant/nf4.h"
#include "kernels/reference.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/vectors/vector_file.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>

using namespace moescope;
using namespace moescope::test;

namespace {

// The weights of a case as one expert, and the library's result.
struct VectorWeights {
    std::string name;
    ms_weight_format format = MS_WEIGHTS_NF4;
    ms_dtype dtype = MS_F32;
    std::size_t count = 0;
    std::size_t stride = 1;    // every stride-th result is kept
    std::vector<float> values; // what was quantised, or empty
    std::vector<float> code;
    Nf4Array array;            // NF4, FP4
    std::int32_t columns = 0;  // FP8
    std::vector<std::uint8_t> bytes, exponents;
    std::vector<float> scales;
    std::vector<std::uint32_t> out_bits;

    bool from_bitsandbytes() const { return format == MS_WEIGHTS_NF4 || format == MS_WEIGHTS_FP4; }
    ms_expert_weights view() const {
        ms_expert_weights weights = array.view(1, std::int64_t(count));
        weights.format = format;
        weights.values = from_bitsandbytes() ? array.packed.data() : bytes.data();
        weights.code = code.empty() ? nullptr : code.data();
        weights.columns = columns;
        weights.scales = scales.data();
        weights.exponents = exponents.data();
        return weights;
    }
};

ms_weight_format format_of(const std::string &name) {
    static const std::map<std::string, ms_weight_format> names = {
        {"nf4", MS_WEIGHTS_NF4},         {"fp4", MS_WEIGHTS_FP4},
        {"fp8_tensor", MS_WEIGHTS_FP8_TENSOR}, {"fp8_row", MS_WEIGHTS_FP8_ROW},
        {"fp8_block", MS_WEIGHTS_FP8_BLOCK},   {"mxfp4", MS_WEIGHTS_MXFP4}};
    return names.at(name);
}

std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

void parse_bitsandbytes(const VectorCase &from, VectorWeights &out) {
    out.array.block_size = from.integer("block_size");
    const std::size_t blocks = ceil_div(out.count, std::size_t(out.array.block_size));
    out.code = from.array<float>("code", 16);
    out.array.packed = from.array<std::uint8_t>("packed", (out.count + 1) / 2);
    if (from.has("values"))
        out.values = from.array<float>("values", out.count);
    if (from.has("absmax")) {
        out.array.absmax = from.array<float>("absmax", blocks);
        return;
    }
    out.array.nested_block = from.integer("nested_block");
    out.array.nested_offset = float(from.number("nested_offset"));
    out.array.absmax_u8 = from.array<std::uint8_t>("absmax_u8", blocks);
    out.array.nested_code = from.array<float>("nested_code", 256);
    out.array.nested_absmax =
        from.array<float>("nested_absmax", ceil_div(blocks, std::size_t(out.array.nested_block)));
}

void parse_fp8(const VectorCase &from, VectorWeights &out) {
    out.columns = from.integer("columns");
    out.bytes = from.array<std::uint8_t>("packed", out.count);
    const auto columns = std::size_t(out.columns), rows = out.count / columns;
    out.scales = from.array<float>("scales", out.format == MS_WEIGHTS_FP8_TENSOR ? 1
                                             : out.format == MS_WEIGHTS_FP8_ROW
                                                 ? rows
                                                 : ceil_div(rows, 128) * ceil_div(columns, 128));
}

VectorWeights parse(const VectorCase &from) {
    VectorWeights out;
    out.name = from.name;
    out.format = format_of(from.text("format"));
    out.dtype = from.text("dtype") == "f32"   ? MS_F32
                : from.text("dtype") == "f16" ? MS_F16
                                              : MS_BF16;
    out.count = std::size_t(from.integer("count"));
    out.stride = std::size_t(from.integer("stride"));
    if (out.from_bitsandbytes()) {
        parse_bitsandbytes(from, out);
    } else if (out.format == MS_WEIGHTS_MXFP4) {
        out.bytes = from.array<std::uint8_t>("packed", (out.count + 1) / 2);
        out.exponents = from.array<std::uint8_t>("exponents", ceil_div(out.count, 32));
    } else {
        parse_fp8(from, out);
    }
    out.out_bits = from.array<std::uint32_t>("out_bits", ceil_div(out.count, out.stride));
    return out;
}

std::vector<VectorWeights> cases() {
    std::vector<VectorWeights> all;
    for (const VectorCase &one : read_vectors("dequant.txt"))
        all.push_back(parse(one));
    return all;
}

// A NaN of any payload as one pattern, and -0 as 0: bitsandbytes' own paths differ on the sign of
// FP4's code 8.
std::uint32_t canonical(std::uint32_t bits, ms_dtype dtype) {
    const std::uint32_t infinity = dtype == MS_F32 ? 0x7f800000u : dtype == MS_F16 ? 0x7c00u : 0x7f80u;
    const std::uint32_t magnitude = bits & (dtype == MS_F32 ? 0x7fffffffu : 0x7fffu);
    return magnitude > infinity ? infinity + 1 : magnitude == 0 ? 0 : bits;
}

std::vector<std::uint32_t> expected_bits(const VectorWeights &test) {
    std::vector<std::uint32_t> bits = test.out_bits;
    for (std::uint32_t &value : bits)
        value = canonical(value, test.dtype);
    return bits;
}

// Every stride-th value of the dequantised array, as bits.
std::vector<std::uint32_t> dequantised_bits(const VectorWeights &test, const ms_expert_weights &weights) {
    const std::size_t size = test.dtype == MS_F32 ? 4 : 2;
    std::vector<std::uint8_t> out(test.count * size);
    ms_selective_dequant_args args{};
    args.struct_size = sizeof args;
    args.out_dtype = test.dtype;
    args.weights = weights;
    args.capacity = 1;
    args.out = out.data();
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    std::vector<std::uint32_t> bits;
    for (std::size_t i = 0; i < test.count; i += test.stride) {
        std::uint32_t value = 0;
        std::memcpy(&value, &out[i * size], size);
        bits.push_back(canonical(value, test.dtype));
    }
    return bits;
}

} // namespace

TEST_CASE("dequantised weights are the defining library's to the bit") {
    std::map<ms_weight_format, int> compared;
    for (const VectorWeights &test : cases()) {
        INFO(test.name);
        CHECK(difference(dequantised_bits(test, test.view()), expected_bits(test)) == "");
        ++compared[test.format];
    }
    CHECK(compared.size() == 6);
}

TEST_CASE("a format's own code table is bitsandbytes'") {
    int compared = 0;
    for (const VectorWeights &test : cases()) {
        if (!test.from_bitsandbytes())
            continue;
        INFO(test.name);
        const auto &own = code_of(test.format);
        CHECK(difference(std::vector<float>(own.begin(), own.end()), test.code, 0) == "");
        ms_expert_weights weights = test.view();
        weights.code = nullptr;
        CHECK(difference(dequantised_bits(test, weights), expected_bits(test)) == "");
        ++compared;
    }
    CHECK(compared >= 14);
}

TEST_CASE("the FP8 vectors hold every code, both NaNs among them") {
    int compared = 0;
    for (const VectorWeights &test : cases())
        if (is_fp8(test.format)) {
            std::vector<bool> seen(256);
            for (const std::uint8_t byte : test.bytes)
                seen[byte] = true;
            CHECK(std::count(seen.begin(), seen.end(), true) == 256);
            ++compared;
        }
    CHECK(compared == 6);
}

TEST_CASE("the 8-bit dynamic code is bitsandbytes' own to a rounding step") {
    const std::array<float, 256> code = make_dynamic_code();
    int compared = 0;
    for (const VectorWeights &test : cases())
        if (test.array.nested_block != 0) {
            CHECK(difference(std::vector<float>(code.begin(), code.end()), test.array.nested_code,
                             1e-6) == "");
            ++compared;
        }
    CHECK(compared == 5);
}

TEST_CASE("the quantiser packs the same nibbles and the same absmax as bitsandbytes") {
    int compared = 0;
    for (const VectorWeights &test : cases()) {
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
