#include "tests/kernels/compare.h"
#include "tests/kernels/lora_grad/lora_grad_case.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// The definition, one slot at a time in the order of the slots.
class Naive {
  public:
    explicit Naive(const LoraGradCase &c)
        : c_(c), s_(c.shape), da(c.da_elements()), db(c.db_elements()) {
        for (std::int64_t slot = 0; slot < c.slots(); ++slot)
            if (c.routing.ids[slot] >= 0)
                add(slot);
    }

    std::vector<float> rounded(const std::vector<double> &sums) const {
        std::vector<float> values;
        for (const double sum : sums)
            values.push_back(round_to(s_.out_dtype, float(s_.scaling * sum)));
        return values;
    }

  private:
    float at(const std::vector<std::uint16_t> &bits, std::int64_t i) const {
        return load_as_float(bits.data(), s_.dtype, i);
    }

    void add(std::int64_t slot) {
        const std::int64_t e = c_.routing.ids[slot], position = c_.routing.inverse[slot];
        const std::int64_t x = (s_.x_grouped ? position : slot / s_.top_k) * (s_.k + s_.x_padding);
        const std::int64_t dy = (s_.dy_grouped ? position : slot) * (s_.n + s_.dy_padding);
        const std::int64_t stride = (s_.rank + 7) / 8 * 8;
        for (std::int64_t r = 0; r < s_.rank; ++r) {
            double xa = at(c_.xa, position * stride + r), yb = at(c_.yb, position * stride + r);
            if (s_.variant == MS_LORA_GRAD_RECOMPUTE) {
                xa = yb = 0;
                for (std::int64_t k = 0; k < s_.k; ++k)
                    xa += double(at(c_.routing.x, x + k)) *
                          at(c_.routing.lora_a, (e * s_.rank + r) * s_.k + k);
                for (std::int64_t n = 0; n < s_.n; ++n)
                    yb += double(at(c_.dy, dy + n)) *
                          at(c_.routing.lora_b, (e * s_.n + n) * s_.rank + r);
                xa = round_to(s_.dtype, float(xa));
                yb = round_to(s_.dtype, float(yb));
            }
            for (std::int64_t k = 0; k < s_.k; ++k)
                da[(e * s_.rank + r) * s_.k + k] += yb * at(c_.routing.x, x + k);
            for (std::int64_t n = 0; n < s_.n; ++n)
                db[(e * s_.n + n) * s_.rank + r] += xa * at(c_.dy, dy + n);
        }
    }

    const LoraGradCase &c_;
    const LoraGradShape &s_;

  public:
    std::vector<double> da, db;
};

std::vector<float> decoded(const std::vector<std::uint8_t> &bytes, ms_dtype dtype) {
    std::vector<float> values(bytes.size() / std::size_t(size_of(dtype)));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = load_as_float(bytes.data(), dtype, std::int64_t(i));
    return values;
}

void check(const LoraGradShape &shape) {
    const LoraGradCase c(shape);
    const std::size_t element = std::size_t(size_of(shape.out_dtype));
    std::vector<std::uint8_t> da(c.da_elements() * element, 0xC7),
        db(c.db_elements() * element, 0xC7);
    const ms_lora_grad_args args = c.args(da.data(), db.data());
    INFO(shape.name());
    REQUIRE(reference::lora_grad(&args, nullptr) == MS_OK);
    const Naive expected(c);
    // Exact sums in both, in another order: only the last rounding may differ.
    const double relative = lora_grad_relative(shape.out_dtype);
    if (shape.da)
        CHECK(difference(decoded(da, shape.out_dtype), expected.rounded(expected.da), relative,
                         1e-6) == "");
    else
        CHECK(da == std::vector<std::uint8_t>(da.size(), 0xC7));
    if (shape.db)
        CHECK(difference(decoded(db, shape.out_dtype), expected.rounded(expected.db), relative,
                         1e-6) == "");
    else
        CHECK(db == std::vector<std::uint8_t>(db.size(), 0xC7));
}

} // namespace

TEST_CASE("the LoRA gradients' reference equals the plain sums over slots", "[lora_grad]") {
    for (const ms_lora_grad_variant variant : {MS_LORA_GRAD_GRAM, MS_LORA_GRAD_RECOMPUTE})
        for (const std::int32_t rank : {1, 7, 8, 16, 33, 256})
            check({.rank = rank, .variant = variant});
    for (const bool x_grouped : {false, true})
        for (const bool dy_grouped : {false, true})
            for (const ms_dtype out : {MS_F16, MS_F32})
                check({.k = 136,
                       .n = 264,
                       .rank = 12,
                       .dtype = MS_F16,
                       .out_dtype = out,
                       .variant = dy_grouped ? MS_LORA_GRAD_RECOMPUTE : MS_LORA_GRAD_GRAM,
                       .x_grouped = x_grouped,
                       .dy_grouped = dy_grouped,
                       .sentinels = true,
                       .x_padding = 8,
                       .dy_padding = 16});
    check({.variant = MS_LORA_GRAD_ATOMIC});
    check({.da = false});
    check({.db = false});
    check({.tokens = 3, .experts = 64, .out_dtype = MS_BF16}); // most experts get zeros
    check({.tokens = 200, .top_k = 1, .only_expert = 2});
    check({.tokens = 0});
}

TEST_CASE("a wrong LoRA gradient argument is named with its value", "[lora_grad]") {
    const LoraGradCase c({});
    std::vector<float> da(c.da_elements()), db(c.db_elements());
    const auto message = [&](auto change) {
        ms_lora_grad_args args = c.args(da.data(), db.data());
        change(args);
        CHECK(reference::lora_grad(&args, nullptr) == MS_INVALID_ARGUMENT);
        return std::string(ms_last_error());
    };
    CHECK_THAT(message([](auto &a) { a.k = 12; }), ContainsSubstring("k is 12"));
    CHECK_THAT(message([](auto &a) { a.n = 20; }), ContainsSubstring("n is 20"));
    CHECK_THAT(message([](auto &a) { a.rank = 0; }), ContainsSubstring("rank is 0"));
    CHECK_THAT(message([](auto &a) { a.variant = 3; }), ContainsSubstring("variant is 3"));
    CHECK_THAT(message([](auto &a) { a.out_dtype = MS_F16; }), ContainsSubstring("out_dtype is"));
    CHECK_THAT(message([](auto &a) {
                   a.variant = MS_LORA_GRAD_ATOMIC;
                   a.out_dtype = MS_BF16;
               }),
               ContainsSubstring("the atomic variant"));
    CHECK_THAT(message([](auto &a) { a.x_stride = 56; }), ContainsSubstring("x_stride is 56"));
    CHECK_THAT(message([](auto &a) { a.dy_stride = 52; }), ContainsSubstring("dy_stride is 52"));
    CHECK_THAT(message([](auto &a) { a.yb = nullptr; }), ContainsSubstring("yb is null"));
    CHECK_THAT(message([](auto &a) { a.xa = nullptr; }), ContainsSubstring("xa is null"));
    CHECK_THAT(message([](auto &a) { a.da = a.db = nullptr; }), ContainsSubstring("da is null"));
    CHECK_THAT(message([](auto &a) {
                   a.variant = MS_LORA_GRAD_RECOMPUTE;
                   a.lora_b = nullptr;
               }),
               ContainsSubstring("lora_b is null"));
    CHECK_THAT(message([](auto &a) { a.sorted_slots = nullptr; }),
               ContainsSubstring("sorted_slots is null"));
}
