#include "kernels/reference.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/routing/topk_support.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <set>

using namespace moescope;
using namespace moescope::test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Selection route(const ms_softmax_topk_args &args, const std::vector<float> &logits) {
    ms_status status = MS_OK;
    Selection out = run_reference(reference::softmax_topk, args, logits, status);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return out;
}

// One token's logits through the plain routing.
Selection route_row(const std::vector<float> &row, std::int32_t top_k) {
    return route(softmax_args(1, std::int32_t(row.size()), top_k), row);
}

using Floats = std::vector<float>;
using Ids = std::vector<std::int32_t>;

// What the interface promises, computed another way: comparisons of floats, not of keys.
Selection expected_row(Floats row, std::int32_t top_k) {
    for (float &logit : row)
        logit = std::isnan(logit) ? -kInf : logit;
    Ids order(row.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return row[a] > row[b]; });
    const auto infinite = std::count(row.begin(), row.end(), kInf);
    const float largest = row[order[0]];
    double mass = 0;
    for (float logit : row)
        mass += std::exp(double(logit) - largest);
    Selection out;
    for (std::int32_t i = 0; i < top_k; ++i) {
        const float logit = row[order[i]];
        double weight = std::exp(double(logit) - largest) / mass;
        if (infinite > 0)
            weight = logit == kInf ? 1.0 / double(infinite) : 0;
        if (largest == -kInf)
            weight = 0;
        out.weights.push_back(float(weight));
        out.ids.push_back(order[i]);
    }
    return out;
}

} // namespace

TEST_CASE("softmax routing of any row selects distinct experts, best first, with their share of "
          "the mass") {
    std::mt19937_64 random(GENERATE(1, 2, 3));
    const auto [experts, top_k] = GENERATE(table<std::int32_t, std::int32_t>(
        {{1, 1}, {2, 2}, {7, 3}, {8, 2}, {33, 33}, {128, 8}, {1500, 24}}));
    const std::int64_t tokens = 40, stride = experts + 3;
    auto args = softmax_args(tokens, experts, top_k);
    args.logits_stride = stride;
    const Floats logits = wild_logits(tokens, stride, random);
    const Selection actual = route(args, logits);
    Selection expected;
    for (std::int64_t token = 0; token < tokens; ++token) {
        const auto row = logits.begin() + token * stride;
        const Selection one = expected_row(Floats(row, row + experts), top_k);
        expected.ids.insert(expected.ids.end(), one.ids.begin(), one.ids.end());
        expected.weights.insert(expected.weights.end(), one.weights.begin(), one.weights.end());
        CHECK(std::set(one.ids.begin(), one.ids.end()).size() == std::size_t(top_k));
    }
    CHECK(difference(actual.ids, expected.ids) == "");
    CHECK(difference(actual.weights, expected.weights, 1e-7, 1e-45) == "");
}

TEST_CASE("equal logits go to the lower expert, and -0 equals +0") {
    CHECK(route_row({1, 3, 3, 1, 3}, 4).ids == Ids{1, 2, 4, 0});
    CHECK(route_row({-0.0f, 0.0f, -0.0f}, 3).ids == Ids{0, 1, 2});
    CHECK(route_row({-0.0f, 0.0f, -0.0f}, 3).weights == Floats(3, 1.0f / 3));
}

TEST_CASE("infinite and NaN logits have the meaning the interface gives them") {
    SECTION("+infinite logits share the whole mass") {
        const Selection out = route_row({5, kInf, kNan, kInf}, 4);
        CHECK(out.ids == Ids{1, 3, 0, 2});
        CHECK(out.weights == Floats{0.5f, 0.5f, 0, 0});
    }
    SECTION("NaN counts as -infinity and ties with it") {
        const Selection out = route_row({-kInf, kNan, 0, -kInf}, 4);
        CHECK(out.ids == Ids{2, 0, 1, 3});
        CHECK(out.weights == Floats{1, 0, 0, 0});
    }
    SECTION("an empty row selects the first experts with weight 0, whatever the renormalisation") {
        auto args = softmax_args(1, 4, 2);
        args.renorm = GENERATE(as<std::int32_t>(), MS_RENORM_NONE, MS_RENORM_ADD, MS_RENORM_CLAMP,
                               MS_RENORM_SKIP);
        const Selection out = route(args, {kNan, -kInf, -kInf, kNan});
        CHECK(out.ids == Ids{0, 1});
        CHECK(out.weights == Floats{0, 0});
    }
}

TEST_CASE("selected weights are renormalised as asked, then scaled") {
    const float share = 1.0f / 4; // of each of four equal experts
    auto args = softmax_args(1, 4, 2);
    args.routed_scaling = 2.5f;
    const Floats logits(4, 1.0f);
    const auto weight = [&](ms_renorm renorm, float epsilon) {
        args.renorm = renorm;
        args.renorm_epsilon = epsilon;
        return route(args, logits).weights[1];
    };
    CHECK(weight(MS_RENORM_NONE, 0) == 2.5f * share);
    CHECK(weight(MS_RENORM_ADD, 0) == 2.5f / 2);
    CHECK(weight(MS_RENORM_ADD, 0.5f) == 2.5f * share);
    CHECK(weight(MS_RENORM_CLAMP, 0.25f) == 2.5f / 2);
    CHECK(weight(MS_RENORM_CLAMP, 2.0f) == 2.5f * share / 2);
    CHECK(weight(MS_RENORM_SKIP, 0.25f) == 2.5f / 2);
    CHECK(weight(MS_RENORM_SKIP, 0.5f) == 2.5f * share);
}

TEST_CASE("renormalised weights of any finite row add up to the scaling factor") {
    std::mt19937_64 random(7);
    std::normal_distribution<float> normal(0, 4);
    auto args = softmax_args(50, 64, 6);
    args.renorm = MS_RENORM_ADD;
    args.routed_scaling = 2.5f;
    Floats logits(50 * 64);
    for (float &logit : logits)
        logit = normal(random);
    const Selection out = route(args, logits);
    for (int token = 0; token < 50; ++token) {
        const auto first = out.weights.begin() + token * 6;
        CHECK(std::accumulate(first, first + 6, 0.0) == Catch::Approx(2.5).epsilon(1e-6));
        CHECK(std::is_sorted(first, first + 6, std::greater<>()));
    }
}

TEST_CASE("float16 and bfloat16 logits are read as what they are") {
    const ms_dtype dtype = GENERATE(as<std::int32_t>(), MS_F16, MS_BF16);
    const Floats values = {0.5f, -1.25f, 3.0f, 2.5f};
    std::vector<std::uint16_t> bits(4);
    for (int i = 0; i < 4; ++i)
        store_from_float(bits.data(), dtype, i, values[std::size_t(i)]);
    auto args = softmax_args(1, 4, 3);
    args.logits_dtype = dtype;
    ms_status status = MS_OK;
    const Selection narrow = run_reference(reference::softmax_topk, args, bits, status);
    REQUIRE(status == MS_OK);
    const Selection wide = route_row(values, 3);
    CHECK(narrow.ids == wide.ids);
    CHECK(narrow.weights == wide.weights);
}
