#include "kernels/logprob/row_split.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/logprob/logprob_reference_run.h"

#include <catch2/catch_all.hpp>

#include <cmath>
#include <string>

using namespace moescope;
using namespace moescope::test;

namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();

LogprobInputs row_of(const std::vector<float> &logits, std::vector<std::int64_t> indices) {
    LogprobShape shape;
    shape.dtype = MS_F32;
    shape.vocab = std::int64_t(logits.size());
    shape.selected = std::int32_t(indices.size());
    std::vector<float> dlogps(indices.size(), 1.0f);
    return {shape, Layout(shape), logits, std::move(indices), {1.0f}, dlogps};
}

std::string error_of(const ms_entropy_args &args) {
    return reference::entropy(&args, nullptr) == MS_OK ? "" : ms_last_error();
}

} // namespace

TEST_CASE("a uniform row has the logarithm of its size as entropy", "[logprob]") {
    const LogprobResults got = reference_results(row_of(std::vector<float>(8, 2.5f), {3}));
    CHECK(difference(got.entropy, {float(std::log(8.0))}, 1e-7) == "");
    CHECK(difference(got.logps, {float(-std::log(8.0))}, 1e-7) == "");
    CHECK(difference(got.lse, {float(2.5 + std::log(8.0))}, 1e-7) == "");
    CHECK(difference(got.entropy_gradient, std::vector<float>(8, 0.0f), 0, 1e-7) == "");
}

TEST_CASE("a token of logit -infinity adds nothing and gets no gradient", "[logprob]") {
    const LogprobResults with =
        reference_results(row_of({1, -kInfinity, 0.5f, -2, -kInfinity}, {0, 3}));
    const LogprobResults without = reference_results(row_of({1, 0.5f, -2}, {0, 2}));
    CHECK(with.entropy == without.entropy);
    CHECK(with.lse == without.lse);
    CHECK(with.logps == without.logps);
    const std::vector<float> &g = without.entropy_gradient, &s = without.logps_gradient;
    CHECK(difference(with.entropy_gradient, {g[0], 0, g[1], g[2], 0}, 0) == "");
    CHECK(difference(with.logps_gradient, {s[0], 0, s[1], s[2], 0}, 0) == "");
    CHECK(reference_results(row_of({1, -kInfinity}, {1})).logps[0] == -kInfinity);
}

TEST_CASE("a row without a distribution gives NaN", "[logprob]") {
    for (const std::vector<float> &row :
         {std::vector<float>{1, kNan, 2}, {1, kInfinity, 2}, {kInfinity, kInfinity, -kInfinity},
          std::vector<float>(3, -kInfinity)}) {
        const LogprobResults got = reference_results(row_of(row, {0, 1, -1}));
        CHECK(std::isnan(got.entropy[0]));
        CHECK(difference(got.logps, {kNan, kNan, 0}, 0) == "");
        CHECK(difference(got.entropy_gradient, {kNan, kNan, kNan}, 0) == "");
        CHECK(difference(got.logps_gradient, {kNan, kNan, kNan}, 0) == "");
        const bool empty = row[0] == -kInfinity;
        CHECK((empty ? got.lse[0] == -kInfinity : std::isnan(got.lse[0])));
    }
}

TEST_CASE("indices outside the vocabulary select nothing and equal ones add up", "[logprob]") {
    const LogprobResults got = reference_results(row_of({0.5f, 1, -1}, {2, -1, 2, 3, -100}));
    const LogprobResults one = reference_results(row_of({0.5f, 1, -1}, {2}));
    CHECK(difference(got.logps, {one.logps[0], 0, one.logps[0], 0, 0}, 0) == "");
    std::vector<float> twice;
    for (const float gradient : one.logps_gradient)
        twice.push_back(2 * gradient);
    CHECK(difference(got.logps_gradient, twice, 1e-6) == "");
}

TEST_CASE("temperature divides the logits, and the gradient with them", "[logprob]") {
    LogprobInputs cold = row_of({4, 2, -6}, {1});
    cold.shape.scale = 0.5f;
    const LogprobResults got = reference_results(cold);
    const LogprobResults halved = reference_results(row_of({2, 1, -3}, {1}));
    CHECK(got.entropy == halved.entropy);
    CHECK(got.logps == halved.logps);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(got.entropy_gradient[i] == 0.5f * halved.entropy_gradient[i]);
}

TEST_CASE("log-probability operators read rows at any strides", "[logprob]") {
    LogprobShape shape;
    shape.dtype = MS_F16;
    for (int i = 0; i < 3; ++i)
        shape.sizes[i] = i + 2;
    shape.vocab = 11;
    shape.selected = 2;
    const LogprobInputs packed = make_logprob_inputs(shape, 5);
    shape.row_gap = 3;
    shape.outer_gap = 5;
    shape.vocab_gap = 1;
    shape.offset = 7;
    const LogprobInputs apart = make_logprob_inputs(shape, 5);
    const LogprobResults a = reference_results(packed), b = reference_results(apart);
    CHECK(a.entropy == b.entropy);
    CHECK(a.logps == b.logps);
    CHECK(a.entropy_gradient == b.entropy_gradient);
    CHECK(a.logps_gradient == b.logps_gradient);
}

TEST_CASE("leading dimensions are merged where one continues the other", "[logprob]") {
    const auto merged = [](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t sa,
                           std::int64_t sb, std::int64_t sc) {
        const std::int64_t sizes[] = {a, b, c}, strides[] = {sa, sb, sc};
        const logprob::RowMap map = logprob::row_map(sizes, strides);
        for (std::int64_t row = 0; row < a * b * c; ++row)
            CHECK(map.offset(row) == row / (b * c) * sa + row / c % b * sb + row % c * sc);
        return (map.sizes[0] > 1) + (map.sizes[1] > 1) + (map.sizes[2] > 1);
    };
    CHECK(merged(2, 3, 4, 120, 40, 10) == 1);
    CHECK(merged(2, 3, 4, 200, 40, 10) == 2);
    CHECK(merged(2, 3, 4, 150, 50, 10) == 2);
    CHECK(merged(2, 3, 4, 200, 50, 10) == 3);
    CHECK(merged(2, 1, 4, 40, 7, 10) == 1);
    CHECK(merged(5, 1, 1, 40, 7, 3) == 1);
    CHECK(merged(1, 1, 1, 40, 7, 3) == 0);
    CHECK(merged(1, 3, 1, 0, 12, 0) == 1);
}

TEST_CASE("rows are cut where there are too few to go round", "[logprob]") {
    constexpr int kSlots = 396;
    for (const int units : {1, 3, 24, 297, 594})
        for (const std::int64_t rows : {1, 3, 64, 400, 4096, 1 << 20}) {
            const logprob::RowSplit split = logprob::split_rows(rows, units, kSlots, 16384);
            INFO(units << " units, " << rows << " rows, " << split.parts << " parts");
            CHECK(split.parts >= 1);
            CHECK(split.parts <= units);
            CHECK((split.parts == 1 || rows * split.parts <= 16384));
            CHECK(split.first(0) == 0);
            CHECK(split.first(split.parts) == units);
            for (int part = 0; part < split.parts; ++part)
                CHECK(split.first(part) < split.first(part + 1));
        }
    CHECK(logprob::split_rows(1, 297, kSlots, 16384).parts > 32);
    CHECK(logprob::split_rows(4096, 297, kSlots, 16384).parts == 1);
}

TEST_CASE("wrong log-probability arguments are refused in one sentence", "[logprob]") {
    float logits[8] = {}, entropy[2];
    ms_entropy_args good{};
    good.struct_size = sizeof good;
    good.logits = {MS_F32, logits, {1, 1, 2}, {0, 0, 4}, 4, 1};
    good.logit_scale = 1;
    good.entropy = entropy;
    CHECK(error_of(good) == "");
    const auto with = [&](auto change) {
        ms_entropy_args args = good;
        change(args);
        return error_of(args);
    };
    CHECK(with([](auto &a) { a.logits.vocab = 0; }) ==
          "ms_entropy: logits.vocab is 0; it must be from 1 to 2147483647");
    CHECK(with([](auto &a) { a.logits.sizes[1] = -1; }) ==
          "ms_entropy: logits.sizes[1] is -1; it must be from 0 to 1099511627776 (2^40 rows)");
    CHECK(with([](auto &a) { a.logits.strides[2] = -4; }) ==
          "ms_entropy: logits.strides[2] is -4; it must be at least 0");
    CHECK(with([](auto &a) { a.logits.vocab_stride = 0; }) ==
          "ms_entropy: logits.vocab_stride is 0; it must be from 1 to 288230376151711744");
    CHECK(with([](auto &a) { a.logit_scale = 0; }) ==
          "ms_entropy: logit_scale is 0.000000; it must be from 1e-6 to 1e6");
    CHECK(with([](auto &a) { a.variant = 7; }) ==
          "ms_entropy: variant is 7; it must be from 0 to 1");
    CHECK(with([](auto &a) { a.entropy = nullptr; }) ==
          "ms_entropy: entropy is null; it must be an array");
    CHECK(with([](auto &a) {
              a.logits.sizes[0] = 0;
              a.entropy = nullptr;
              a.logits.data = nullptr;
          }) == "");

    auto selective = logprob_args<ms_selective_log_softmax_args>(good.logits, 1);
    std::int64_t index = 0;
    selective.indices = &index;
    selective.selected = 1025;
    selective.logps = entropy;
    CHECK(reference::selective_log_softmax(&selective, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) ==
          "ms_selective_log_softmax: selected is 1025; it must be from 1 to 1024");

    auto backward = logprob_args<ms_entropy_backward_args>(good.logits, 1);
    backward.dentropy = backward.entropy = backward.lse = entropy;
    backward.dlogits = logits;
    backward.dlogits_vocab_stride = 1;
    CHECK(reference::entropy_backward(&backward, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) ==
          "ms_entropy_backward: dlogits_strides[2] is 0; it must be at least 1");
}
