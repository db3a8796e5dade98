#include "kernels/reference.h"
#include "kernels/routing/routing_math.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/routing/topk_support.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>

using namespace moescope;
using namespace moescope::test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
using Floats = std::vector<float>;
using Ids = std::vector<std::int32_t>;

Selection route(const ms_sigmoid_topk_args &args, const Floats &logits) {
    ms_status status = MS_OK;
    Selection out = run_reference(reference::sigmoid_topk, args, logits, status);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return out;
}

Ids best_first(const Floats &values) {
    Ids order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return values[a] > values[b]; });
    return order;
}

float no_nan(float value) { return std::isnan(value) ? -kInf : value; }

// The selection of one row, straight from the interface's text.
Ids expected_ids(const ms_sigmoid_topk_args &args, const float *row) {
    Floats choices(std::size_t(args.experts));
    for (std::size_t e = 0; e < choices.size(); ++e)
        choices[e] = no_nan(sigmoid(row[e]) + (args.bias ? args.bias[e] : 0.0f));
    const std::size_t size = choices.size() / std::size_t(args.groups);
    Floats scores;
    for (std::size_t first = 0; first < choices.size(); first += size) {
        Floats group(choices.begin() + std::ptrdiff_t(first),
                     choices.begin() + std::ptrdiff_t(first + size));
        std::sort(group.rbegin(), group.rend());
        const bool top2 = args.group_score == MS_GROUP_TOP2_SUM && size > 1;
        scores.push_back(top2 ? no_nan(group[0] + group[1]) : group[0]);
    }
    const Ids groups = best_first(scores);
    for (std::size_t g = std::size_t(args.groups_kept); g < groups.size(); ++g)
        std::fill_n(choices.begin() + std::ptrdiff_t(std::size_t(groups[g]) * size), size,
                    args.masked_fill == MS_MASKED_ZERO_COMPAT ? 0.0f : -kInf);
    Ids ids = best_first(choices);
    ids.resize(std::size_t(args.top_k));
    return ids;
}

} // namespace

TEST_CASE("sigmoid routing of any row follows the rules of groups, bias and ties") {
    std::mt19937_64 random(GENERATE(1, 2, 3));
    struct Shape {
        std::int32_t experts, top_k, groups, kept;
    };
    const Shape shape =
        GENERATE(Shape{1, 1, 1, 1}, Shape{7, 3, 1, 1}, Shape{8, 8, 1, 1}, Shape{12, 4, 12, 5},
                 Shape{32, 8, 4, 2}, Shape{256, 8, 8, 4}, Shape{1024, 40, 64, 9});
    const bool with_bias = GENERATE(true, false);
    auto args = sigmoid_args(40, shape.experts, shape.top_k);
    args.groups = shape.groups;
    args.groups_kept = shape.kept;
    args.group_score = GENERATE(as<std::int32_t>(), MS_GROUP_TOP2_SUM, MS_GROUP_MAX);
    args.masked_fill = GENERATE(as<std::int32_t>(), MS_MASKED_NEG_INFINITY, MS_MASKED_ZERO_COMPAT);
    args.logits_stride = shape.experts + 5;
    const Floats logits = wild_logits(args.tokens, args.logits_stride, random);
    Floats bias(std::size_t(shape.experts));
    for (float &value : bias) {
        const float specials[] = {kInf, -kInf, kNan};
        value = random() % 50 == 0 ? specials[random() % 3] : float(int(random() % 9) - 6) / 4;
    }
    args.bias = with_bias ? bias.data() : nullptr;

    const Selection actual = route(args, logits);
    Ids expected;
    Floats weights;
    for (std::int64_t token = 0; token < args.tokens; ++token) {
        const float *row = &logits[std::size_t(token * args.logits_stride)];
        for (std::int32_t id : expected_ids(args, row)) {
            expected.push_back(id);
            weights.push_back(sigmoid(row[id])); // never choice - bias
        }
    }
    CHECK(difference(actual.ids, expected) == "");
    CHECK(difference(actual.weights, weights, 0) == "");
}

TEST_CASE("the bias decides who is selected and never what the weight is") {
    auto args = sigmoid_args(1, 4, 2);
    const Floats bias = {0, 12, 0, 12.5f};
    args.bias = bias.data();
    const Selection out = route(args, {4, -20, 3, -20});
    CHECK(out.ids == Ids{3, 1});
    CHECK(out.weights == Floats(2, sigmoid(-20.0f)));
    CHECK(out.weights[0] == Catch::Approx(std::exp(-20.0)).epsilon(1e-6)); // (s + b) - b would be 0
}

TEST_CASE(
    "with a negative bias masked groups stay out, unless the older fill of zero is asked for") {
    auto args = sigmoid_args(1, 8, 2);
    const Floats bias(8, -3.0f);
    args.bias = bias.data();
    args.groups = 4;
    args.groups_kept = 1;
    const Floats logits = {-1, -1, 2, 2, 1, 1, 0, 0}; // group 1 is the best
    CHECK(route(args, logits).ids == Ids{2, 3});
    args.masked_fill = MS_MASKED_ZERO_COMPAT;
    CHECK(route(args, logits).ids == Ids{0, 1}); // 0 beats every choice of the kept group
}

TEST_CASE("a group is scored by its two best experts or by its best one") {
    auto args = sigmoid_args(1, 4, 1);
    args.groups = 2;
    args.groups_kept = 1;
    const Floats logits = {3, -9, 2, 2};
    args.group_score = MS_GROUP_TOP2_SUM;
    CHECK(route(args, logits).ids == Ids{2});
    args.group_score = MS_GROUP_MAX;
    CHECK(route(args, logits).ids == Ids{0});
}

TEST_CASE("equal groups and equal choices go to the lower one") {
    auto args = sigmoid_args(1, 8, 3);
    args.groups = 4;
    args.groups_kept = 2;
    CHECK(route(args, Floats(8, 1.0f)).ids == Ids{0, 1, 2});
    CHECK(route(args, {0, 0, 1, 1, 0, 0, 1, 1}).ids == Ids{2, 3, 6});
}

TEST_CASE("renormalised sigmoid weights add up to the routed scaling, and of nothing stay 0") {
    auto args = sigmoid_args(1, 3, 2);
    args.renorm = MS_RENORM_ADD;
    args.renorm_epsilon = 1e-20f;
    args.routed_scaling = 2.5f;
    const Selection out = route(args, {1, 0, 1});
    CHECK(out.weights == Floats{1.25f, 1.25f});
    args.renorm_epsilon = 0;
    CHECK(route(args, {kNan, -kInf, kNan}).weights == Floats{0, 0});
    CHECK(route(args, {kNan, -kInf, kNan}).ids == Ids{0, 1});
}
