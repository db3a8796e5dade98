#include "kernels/common/float_types.h"
#include "kernels/dequant/nf4.h"
#include "kernels/reference.h"
#include "tests/kernels/compare.h"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>

using namespace moescope;
using namespace moescope::test;

namespace {

std::vector<float> normal_values(std::size_t count) {
    std::mt19937 random(5);
    std::normal_distribution<float> distribution;
    std::vector<float> values(count);
    for (float &value : values)
        value = distribution(random);
    return values;
}

struct Active {
    std::vector<std::int32_t> active, remap;
    std::int32_t count = -7;
};

Active active_experts(std::int32_t experts, const std::vector<std::int32_t> &ids) {
    Active out{std::vector<std::int32_t>(std::size_t(experts), 99),
               std::vector<std::int32_t>(std::size_t(experts), 99)};
    const ms_active_experts_args args{
        sizeof args,       experts,          ids.data(), std::int64_t(ids.size()),
        out.active.data(), out.remap.data(), &out.count};
    REQUIRE(reference::active_experts(&args, nullptr) == MS_OK);
    return out;
}

ms_selective_dequant_args dequant_args(const ms_expert_weights &weights, std::vector<float> &out) {
    ms_selective_dequant_args args{};
    args.struct_size = sizeof args;
    args.out_dtype = MS_F32;
    args.weights = weights;
    args.capacity = std::int32_t(std::int64_t(out.size()) / weights.expert_numel);
    args.out = out.data();
    return args;
}

std::string message_of(const ms_selective_dequant_args &args) {
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_INVALID_ARGUMENT);
    return ms_last_error();
}

} // namespace

TEST_CASE("active experts are the distinct valid ids, ascending, with their positions") {
    const Active found = active_experts(6, {4, -1, 1, 4, 6, 1, 1, 2147483647});
    CHECK(found.count == 2);
    CHECK(found.active == std::vector<std::int32_t>{1, 4, -1, -1, -1, -1});
    CHECK(found.remap == std::vector<std::int32_t>{-1, 0, -1, -1, 1, -1});
}

TEST_CASE("no slots means no active experts") {
    const Active found = active_experts(2, {});
    CHECK(found.count == 0);
    CHECK(found.active == std::vector<std::int32_t>{-1, -1});
    CHECK(found.remap == std::vector<std::int32_t>{-1, -1});
}

TEST_CASE("quantising to NF4 keeps every value within half a code step of its block's absmax") {
    const std::vector<float> values = normal_values(1000);
    const Nf4Array array = quantize_nf4(values.data(), 1000, 64, 0);
    std::vector<float> out(1000);
    const ms_selective_dequant_args args = dequant_args(array.view(1, 1000), out);
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    for (std::size_t i = 0; i < 1000; ++i) // the widest gap of the code is 0.3038
        REQUIRE(std::fabs(out[i] - values[i]) <= 0.152f * array.absmax[i / 64]);
}

TEST_CASE(
    "selected experts are the matching rows of the full dequantisation, blocks straddling or not") {
    const int experts = 5;
    for (const std::int64_t numel : {64, 96, 97, 1, 33, 500}) { // 97: the nibble phase alternates
        INFO("expert_numel " << numel);
        const std::vector<float> values = normal_values(std::size_t(experts * numel));
        const Nf4Array array = quantize_nf4(values.data(), experts * numel, 64, 4);
        std::vector<float> full(values.size()), some(std::size_t(3 * numel), -1.0f);
        ms_selective_dequant_args args = dequant_args(array.view(experts, numel), full);
        REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
        std::int32_t active[] = {1, 4, -1};
        std::int32_t count = 2;
        args = dequant_args(array.view(experts, numel), some);
        args.active = active;
        args.count = &count;
        REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
        std::vector<float> expected(some.size(), -1.0f); // past count: untouched
        std::copy_n(full.begin() + numel, numel, expected.begin());
        std::copy_n(full.begin() + 4 * numel, numel, expected.begin() + numel);
        CHECK(difference(some, expected, 0) == "");
    }
}

TEST_CASE("a count above the capacity is cut, and an id that is no expert leaves its row alone") {
    const std::vector<float> values = normal_values(3 * 32);
    const Nf4Array array = quantize_nf4(values.data(), 3 * 32, 32, 0);
    std::vector<float> out(2 * 32 + 8, -1.0f);
    ms_selective_dequant_args args = dequant_args(array.view(3, 32), out);
    std::int32_t active[] = {3, 2, 0};
    std::int32_t count = 3;
    args.active = active;
    args.count = &count;
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    CHECK(out[0] == -1.0f);
    CHECK(out[31] == -1.0f);
    CHECK(out[63] != -1.0f);
    CHECK(out[64] == -1.0f);
}

TEST_CASE("compact_experts leaves out the experts without slots and keeps the places of the others") {
    const std::int32_t offsets[] = {0, 0, 3, 3, 4, 9, 9};
    std::int32_t active[5], compact[6], count = -1;
    const ms_compact_experts_args args{sizeof args, 6, offsets, active, &count, compact, 5};
    REQUIRE(reference::compact_experts(&args, nullptr) == MS_OK);
    CHECK(count == 3);
    CHECK(std::vector(active, active + 5) == std::vector{1, 3, 4, -1, -1});
    CHECK(std::vector(compact, compact + 6) == std::vector{0, 3, 4, 9, 9, 9});
    ms_compact_experts_args none = args;
    none.capacity = 0;
    CHECK(reference::compact_experts(&none, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("ms_compact_experts: capacity is 0") == 0);
}

TEST_CASE("select_experts copies the rows of the active experts and no other") {
    std::vector<std::uint16_t> src{10, 11, 12, 20, 21, 22, 30, 31, 32}, dst(9, 7);
    const std::int32_t active[] = {0, 2, -1};
    const std::int32_t count = 2;
    const ms_select_experts_args args{sizeof args, src.data(), 6, 3, active, &count, 3, dst.data()};
    REQUIRE(reference::select_experts(&args, nullptr) == MS_OK);
    CHECK(dst == std::vector<std::uint16_t>{10, 11, 12, 30, 31, 32, 7, 7, 7});
}

TEST_CASE("experts found by ids are the rows of their list") {
    const std::vector<float> values = normal_values(4 * 64);
    const Nf4Array array = quantize_nf4(values.data(), 4 * 64, 64, 0);
    std::vector<float> listed(2 * 64, -1.0f), found = listed;
    std::int32_t active[4] = {1, 3, 9, 9}, remap[4], count = 2;
    ms_selective_dequant_args args = dequant_args(array.view(4, 64), listed);
    args.active = active;
    args.count = &count;
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    const std::int32_t ids[] = {3, 1, 3, 7, -1};
    args = dequant_args(array.view(4, 64), found);
    args.ids = ids;
    args.slots = 5;
    args.active = active;
    args.remap = remap;
    count = 77;
    args.count = &count;
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    CHECK(found == listed);
    CHECK(count == 2);
    CHECK(std::vector(active, active + 4) == std::vector{1, 3, -1, -1});
    CHECK(std::vector(remap, remap + 4) == std::vector{-1, 0, -1, 1});
}

TEST_CASE("dense experts are copied, whatever their bits") {
    std::vector<float> values = normal_values(3 * 7), out(2 * 7, -1.0f);
    values[14] = std::numeric_limits<float>::signaling_NaN();
    ms_expert_weights weights{};
    weights.format = MS_WEIGHTS_DENSE;
    weights.experts = 3;
    weights.expert_numel = 7;
    weights.values = values.data();
    ms_selective_dequant_args args = dequant_args(weights, out);
    std::int32_t active[] = {2, 0}, count = 2;
    args.active = active;
    args.count = &count;
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    CHECK(std::memcmp(out.data(), &values[14], 7 * sizeof(float)) == 0);
    CHECK(std::memcmp(&out[7], values.data(), 7 * sizeof(float)) == 0);
}

TEST_CASE("E8M0 and E4M3 have the ends their specifications name") {
    CHECK(e8m0_to_float(0) == std::ldexp(1.0f, -127));
    CHECK(e8m0_to_float(127) == 1.0f);
    CHECK(e8m0_to_float(254) == std::ldexp(1.0f, 127));
    CHECK(std::isnan(e8m0_to_float(255)));
    CHECK(e4m3_to_float(0x7e) == 448.0f);
    CHECK(e4m3_to_float(0x01) == std::ldexp(1.0f, -9));
    CHECK(e4m3_to_float(0x08) == std::ldexp(1.0f, -6));
    CHECK(std::signbit(e4m3_to_float(0x80)));
    CHECK(std::isnan(e4m3_to_float(0x7f)));
    CHECK(std::isnan(e4m3_to_float(0xff)));
}

TEST_CASE("dequantisation names the field that is wrong") {
    const std::vector<float> values = normal_values(64);
    const Nf4Array array = quantize_nf4(values.data(), 64, 32, 0);
    std::vector<float> out(64);
    const ms_selective_dequant_args good = dequant_args(array.view(2, 32), out);
    ms_selective_dequant_args args = good;
    args.weights.block_size = 48;
    CHECK(message_of(args) == "ms_selective_dequant: weights.block_size is 48; it must be a power "
                              "of two from 32 to 4096");
    args = good;
    args.capacity = 1;
    CHECK(message_of(args).find("capacity is 1; it must be from 2") != std::string::npos);
    args = good;
    args.weights.absmax = nullptr;
    CHECK(message_of(args).find("weights.absmax is null, and so is weights.absmax_u8") !=
          std::string::npos);
    args = good;
    args.weights.absmax_u8 = array.packed.data();
    CHECK(message_of(args).find("weights.absmax is set beside weights.absmax_u8") !=
          std::string::npos);
    args = good;
    args.weights.expert_numel = std::int64_t(1) << 58;
    CHECK(message_of(args).find("weights.expert_numel") != std::string::npos);
    args = good;
    args.weights.format = 7;
    CHECK(message_of(args).find("weights.format is 7; it must be from 0 to 6") != std::string::npos);
    args.weights.format = MS_WEIGHTS_FP8_ROW;
    CHECK(message_of(args).find("weights.scales is null") != std::string::npos);
    args.weights.scales = array.absmax.data();
    CHECK(message_of(args).find("weights.columns is 0") != std::string::npos);
    args.weights.columns = 5;
    CHECK(message_of(args).find("weights.expert_numel is 32; it must be a multiple of "
                                "weights.columns, 5") != std::string::npos);
    args.weights.format = MS_WEIGHTS_MXFP4;
    CHECK(message_of(args).find("weights.exponents is null") != std::string::npos);
    args = good;
    const std::int32_t ids[] = {0};
    args.ids = ids;
    CHECK(message_of(args).find("active is null") != std::string::npos);
    ms_select_experts_args odd{sizeof odd, values.data(), 3, 2, nullptr, nullptr, 1, out.data()};
    CHECK(reference::select_experts(&odd, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) ==
          "ms_select_experts: row_bytes is 3; it must be a multiple of 2");
}
