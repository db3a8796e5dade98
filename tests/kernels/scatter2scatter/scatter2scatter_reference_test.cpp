#include "kernels/scatter2scatter/kernel_plan.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <catch2/catch_all.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;

namespace {

constexpr std::uint16_t kPoison = 0x7fff; // NaN in both 16-bit types, and half of one in float32

float at(const std::vector<std::uint16_t> &bits, ms_dtype dtype, std::int64_t index) {
    return load_as_float(bits.data(), dtype, index);
}

// The definition, one slot and one column at a time.
std::vector<float> naive(const S2sCase &c) {
    const S2sShape &s = c.shape;
    const std::int64_t y_stride = s.n + s.y_padding, x_stride = s.k + s.x_padding;
    std::vector<float> y(c.y_elements(), 0);
    for (std::int64_t slot = 0; slot < std::int64_t(c.ids.size()); ++slot) {
        const std::int64_t e = c.ids[slot];
        if (e < 0)
            continue;
        const std::int64_t x_row = (s.x_grouped ? c.inverse[slot] : slot / s.top_k) * x_stride;
        std::vector<double> xa(s.rank, 0);
        for (int r = 0; r < s.rank; ++r) {
            for (int k = 0; k < s.k; ++k)
                xa[r] += double(at(c.x, s.dtype, x_row + k)) *
                         at(c.lora_a, s.dtype,
                            s.lora_a_transposed ? (e * s.k + k) * s.rank + r
                                                : (e * s.rank + r) * s.k + k);
            xa[r] = round_to(s.dtype, float(xa[r]));
        }
        for (int n = 0; n < s.n; ++n) {
            double base = s.bias ? at(c.bias, s.dtype, e * s.n + n) : 0;
            for (int k = 0; k < s.k; ++k) {
                const std::int64_t w =
                    s.w_transposed ? (e * s.n + n) * s.k + k : (e * s.k + k) * s.n + n;
                base += double(at(c.x, s.dtype, x_row + k)) * at(c.w, s.dtype, w);
            }
            double delta = 0;
            for (int r = 0; r < s.rank; ++r)
                delta += xa[r] * at(c.lora_b, s.dtype,
                                    s.lora_b_transposed ? (e * s.rank + r) * s.n + n
                                                        : (e * s.n + n) * s.rank + r);
            if (s.variant == MS_S2S_SPLIT && s.rank > 0)
                base = round_to(s.y_dtype, float(base));
            const std::int64_t y_row = s.y_grouped ? c.inverse[slot] : slot;
            y[y_row * y_stride + n] = round_to(s.y_dtype, float(base + s.scaling * delta));
        }
    }
    return y;
}

std::vector<float> run_reference(const S2sCase &c) {
    std::vector<std::uint8_t> y(c.y_bytes(), 0);
    ms_scatter2scatter_args args = c.args(y.data());
    std::vector<std::uint16_t> workspace(std::size_t(args.slots) * (args.rank + 8));
    args.workspace = workspace.data();
    args.workspace_bytes = workspace.size() * 2;
    INFO(c.shape.name());
    CHECK(reference::scatter2scatter(&args, nullptr) == MS_OK);
    CHECK(std::string(ms_last_error()) == "");
    std::vector<float> values(c.y_elements());
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = load_as_float(y.data(), c.shape.y_dtype, std::int64_t(i));
    return values;
}

// float32 partial sums of 32 products differ from float64 by about 1e-6 of the terms: enough to
// move a value to the next 16-bit float where it lies between two.
void check_against_naive(const S2sShape &shape) {
    const S2sCase c(shape);
    const double relative = shape.y_dtype == MS_F32    ? 1e-6
                            : shape.y_dtype == MS_BF16 ? 0x1p-7
                                                       : 0x1p-10;
    INFO(shape.name());
    CHECK(difference(run_reference(c), naive(c), relative, 1e-5) == "");
}

} // namespace

TEST_CASE("scatter2scatter's reference equals the plain triple loop", "[scatter2scatter]") {
    for (const std::int32_t rank : {0, 1, 8, 16, 17, 64, 256})
        for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K})
            for (const bool a_transposed : {false, true})
                for (const bool b_transposed : {false, true})
                    check_against_naive({.rank = rank,
                                         .variant = variant,
                                         .lora_a_transposed = a_transposed,
                                         .lora_b_transposed = b_transposed});
    for (const bool transposed : {false, true})
        for (const bool x_grouped : {false, true})
            for (const bool y_grouped : {false, true})
                check_against_naive({.k = 72,
                                     .n = 136,
                                     .rank = 8,
                                     .dtype = MS_F16,
                                     .y_dtype = MS_F32,
                                     .w_transposed = transposed,
                                     .bias = true,
                                     .x_grouped = x_grouped,
                                     .y_grouped = y_grouped,
                                     .x_padding = 8,
                                     .y_padding = 3});
    check_against_naive({.n = 13, .rank = 3, .w_transposed = true, .bias = true});
    check_against_naive({.tokens = 3, .experts = 64, .k = 8, .n = 8}); // most experts empty
    check_against_naive({.tokens = 200, .experts = 3, .top_k = 1, .only_expert = 1});
    check_against_naive({.tokens = 1, .experts = 1, .top_k = 1, .rank = 4});
}

TEST_CASE("scatter2scatter's reference keeps XA, and reads one that is given",
          "[scatter2scatter]") {
    const S2sCase c({.rank = 12, .variant = MS_S2S_EXTRA_K});
    std::vector<std::uint16_t> xa(c.ids.size() * 16, kPoison);
    std::vector<std::uint8_t> y(c.y_bytes()), again(c.y_bytes());
    ms_scatter2scatter_args args = c.args(y.data());
    args.xa = xa.data();
    REQUIRE(reference::scatter2scatter(&args, nullptr) == MS_OK);
    int wrong = 0;
    for (std::size_t position = 0; position < c.ids.size(); ++position) {
        const std::int64_t slot = c.sorted_slots[position], e = c.ids[slot];
        for (int r = 0; r < 16; ++r) {
            double sum = 0;
            for (int k = 0; r < 12 && k < c.shape.k; ++k)
                sum += double(at(c.x, MS_BF16, slot / c.shape.top_k * c.shape.k + k)) *
                       at(c.lora_a, MS_BF16, (e * 12 + r) * c.shape.k + k);
            const float stored = at(xa, MS_BF16, std::int64_t(position) * 16 + r);
            wrong += !(std::abs(stored - sum) <= 0x1p-8 * std::abs(sum) + 1e-5);
        }
    }
    CHECK(wrong == 0);
    args.lora_a = nullptr;
    args.xa_is_input = 1;
    args.y = again.data();
    REQUIRE(reference::scatter2scatter(&args, nullptr) == MS_OK);
    CHECK(again == y);
    args.xa = nullptr;
    CHECK(reference::scatter2scatter(&args, nullptr) == MS_INVALID_ARGUMENT);
}

TEST_CASE("slots without an expert are not written", "[scatter2scatter]") {
    const S2sCase c({.sentinels = true});
    std::vector<std::uint16_t> y(c.y_elements(), kPoison);
    const ms_scatter2scatter_args args = c.args(y.data());
    REQUIRE(reference::scatter2scatter(&args, nullptr) == MS_OK);
    int written = 0, left = 0, wrong = 0;
    for (std::size_t slot = 0; slot < c.ids.size(); ++slot)
        for (int n = 0; n < c.shape.n; ++n) {
            const bool poisoned = y[slot * c.shape.n + n] == kPoison;
            wrong += poisoned != (c.ids[slot] < 0);
            ++(poisoned ? left : written);
        }
    CHECK(wrong == 0);
    CHECK(left > 0);
    CHECK(written > 0);
}

TEST_CASE("a call without slots succeeds and reads nothing", "[scatter2scatter]") {
    ms_scatter2scatter_args args = shape_args({.tokens = 0});
    CHECK(reference::scatter2scatter(&args, nullptr) == MS_OK);
}

TEST_CASE("a wrong scatter2scatter argument is named with its value", "[scatter2scatter]") {
    const S2sCase c({.rank = 8});
    std::vector<std::uint16_t> y(c.y_elements());
    const auto message = [&](auto change) {
        ms_scatter2scatter_args args = c.args(y.data());
        change(args);
        CHECK(reference::scatter2scatter(&args, nullptr) == MS_INVALID_ARGUMENT);
        return std::string(ms_last_error());
    };
    using Catch::Matchers::ContainsSubstring;
    CHECK_THAT(message([](auto &a) { a.k = 12; }),
               ContainsSubstring("k is 12") && ContainsSubstring("multiple of 8"));
    CHECK_THAT(message([](auto &a) { a.n = 47; }), ContainsSubstring("n is 47"));
    CHECK_THAT(message([](auto &a) { a.rank = 257; }), ContainsSubstring("rank is 257"));
    CHECK_THAT(message([](auto &a) { a.x_stride = 56; }), ContainsSubstring("x_stride is 56"));
    CHECK_THAT(message([](auto &a) { a.y_dtype = MS_F16; }), ContainsSubstring("y_dtype is 1"));
    CHECK_THAT(message([](auto &a) { a.lora_b = nullptr; }), ContainsSubstring("lora_b is null"));
    CHECK_THAT(message([](auto &a) { a.top_k = 0; }), ContainsSubstring("top_k is 0"));
    CHECK_THAT(message([](auto &a) { a.variant = MS_S2S_SPLIT; }),
               ContainsSubstring("workspace is null"));
    CHECK_THAT(message([](auto &a) { a.variant = MS_S2S_EXTRA_K; }),
               ContainsSubstring("workspace is null"));
    CHECK_THAT(message([](auto &a) { a.n = 44, a.w_transposed = a.lora_b_transposed = 1; }),
               ContainsSubstring("n is 44") && ContainsSubstring("lora_b is transposed"));
}

TEST_CASE("a tile that cannot be built is refused with the reason", "[scatter2scatter]") {
    using Catch::Matchers::ContainsSubstring;
    using scatter2scatter::config_problem;
    CHECK(config_problem({128, 128, 32, 4, 4}) == "");
    CHECK_THAT(config_problem({48, 128, 32, 4, 4}), ContainsSubstring("block_m is 48"));
    CHECK_THAT(config_problem({128, 128, 32, 3, 4}), ContainsSubstring("warps is 3"));
    CHECK_THAT(config_problem({128, 128, 32, 4, 7}), ContainsSubstring("stages is 7"));
    CHECK_THAT(config_problem({16, 32, 32, 4, 4}), ContainsSubstring("at most 2"));
    CHECK_THAT(config_problem({128, 256, 32, 2, 4}), ContainsSubstring("registers"));
}
