// The general routing's reference against the interface's text, computed another way: comparisons
// of floats, in float64 where a score is not defined to the bit.
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
using Doubles = std::vector<double>;
using Ids = std::vector<std::int32_t>;

Selection route(const ms_topk_args &args, const Floats &logits) {
    ms_status status = MS_OK;
    Selection out = run_reference(reference::topk, args, logits, status);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return out;
}

double no_nan(double value) { return std::isnan(value) ? -double(kInf) : value; }

Doubles softmax_of(const Doubles &logits) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    Doubles shares;
    for (double logit : logits)
        shares.push_back(largest == -double(kInf) ? 0.0
                         : logit == largest       ? 1.0
                                                  : std::exp(logit - largest));
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double &share : shares)
        share = sum > 0 ? share / sum : 0;
    return shares;
}

double score_of(ms_score score, double logit) {
    if (score == MS_SCORE_SQRT_SOFTPLUS)
        return logit > 700 ? std::sqrt(logit) : std::sqrt(std::log1p(std::exp(logit)));
    return 1 / (1 + std::exp(-logit));
}

// One row's choices, straight from the interface's text.
Doubles choices_of(const ms_topk_args &args, const Doubles &logits) {
    Doubles choices = args.score == MS_SCORE_SOFTMAX ? softmax_of(logits) : logits;
    for (std::size_t e = 0; e < choices.size(); ++e) {
        if (args.score == MS_SCORE_SIGMOID || args.score == MS_SCORE_SQRT_SOFTPLUS)
            choices[e] = score_of(args.score, logits[e]);
        choices[e] = no_nan(choices[e] + (args.bias ? double(args.bias[e]) : 0.0));
    }
    if (args.groups_kept == args.groups)
        return choices;
    const std::size_t size = choices.size() / std::size_t(args.groups);
    Doubles scores;
    for (auto group = choices.begin(); group != choices.end(); group += std::ptrdiff_t(size)) {
        Doubles sorted(group, group + std::ptrdiff_t(size));
        std::sort(sorted.rbegin(), sorted.rend());
        scores.push_back(args.group_score == MS_GROUP_TOP2_SUM && size > 1
                             ? no_nan(sorted[0] + sorted[1])
                             : sorted[0]);
    }
    Ids groups(scores.size());
    std::iota(groups.begin(), groups.end(), 0);
    std::stable_sort(groups.begin(), groups.end(),
                     [&](auto a, auto b) { return scores[std::size_t(a)] > scores[std::size_t(b)]; });
    const bool by_logit = !args.bias && args.score >= MS_SCORE_TOPK_SOFTMAX;
    for (std::size_t g = std::size_t(args.groups_kept); g < groups.size(); ++g)
        std::fill_n(choices.begin() + std::ptrdiff_t(std::size_t(groups[g]) * size), size,
                    args.masked_fill == MS_MASKED_ZERO_COMPAT && !by_logit ? 0.0 : -double(kInf));
    return choices;
}

Floats expected_weights(const ms_topk_args &args, const Doubles &logits, const Ids &ids) {
    Doubles weights;
    const Doubles shares = softmax_of(logits);
    for (std::int32_t id : ids)
        weights.push_back(args.score == MS_SCORE_SOFTMAX        ? shares[std::size_t(id)]
                          : args.score == MS_SCORE_TOPK_SOFTMAX ? logits[std::size_t(id)]
                                                                : score_of(args.score, logits[std::size_t(id)]));
    if (args.score == MS_SCORE_TOPK_SOFTMAX)
        weights = softmax_of(weights);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    Floats out;
    for (double weight : weights) {
        const double divisor = renorm_divisor(args.renorm, sum, args.renorm_epsilon);
        out.push_back(round_to(args.weights_round,
                               float(divisor == 0 ? 0.0 : weight / divisor * args.routed_scaling)));
    }
    return out;
}

} // namespace

TEST_CASE("topk of random rows follows the interface's text, whatever the routing") {
    std::mt19937_64 random(GENERATE(range(1, 60)));
    const std::int32_t experts = GENERATE(1, 6, 8, 32, 60, 160);
    Floats bias(static_cast<std::size_t>(experts));
    for (float &value : bias)
        value = float(int(random() % 65) - 40) / 32;
    ms_topk_args args = random_routing(5, experts, bias, random);
    args.logits_dtype = MS_F32;
    INFO("E " << experts << ", score " << args.score << ", groups " << args.groups << ", kept "
              << args.groups_kept << ", group score " << args.group_score << ", bias "
              << (args.bias != nullptr) << ", k " << args.top_k);
    std::normal_distribution<float> normal(0, 2);
    Floats logits(std::size_t(args.tokens * args.logits_stride));
    for (float &logit : logits)
        logit = normal(random);
    const Selection actual = route(args, logits);
    for (std::int64_t token = 0; token < args.tokens; ++token) {
        const float *row = &logits[std::size_t(token * args.logits_stride)];
        const Doubles wide(row, row + experts);
        const Doubles choices = choices_of(args, wide);
        const Ids ids(actual.ids.begin() + token * args.top_k,
                      actual.ids.begin() + (token + 1) * args.top_k);
        // The selection is right if no float64 choice it leaves out is above one it has, but for
        // float32 rounding; the exact order is the integer keys', which the vectors hold.
        Doubles taken;
        Doubles left = choices;
        for (std::int32_t id : ids) {
            taken.push_back(choices[std::size_t(id)]);
            left[std::size_t(id)] = -double(kInf);
        }
        for (std::size_t i = 1; i < taken.size(); ++i)
            CHECK(taken[i] <= taken[i - 1] + 2e-6);
        CHECK(*std::max_element(left.begin(), left.end()) <= taken.back() + 2e-6);
        const Floats weights(actual.weights.begin() + token * args.top_k,
                             actual.weights.begin() + (token + 1) * args.top_k);
        const double tolerance = args.weights_round == MS_F32 ? 2e-6 : 1e-2;
        CHECK(difference(weights, expected_weights(args, wide, ids), tolerance, 1e-30) == "");
    }
}

TEST_CASE("top-k then softmax weighs the selected logits among themselves") {
    auto args = topk_args(1, 4, 2);
    args.score = MS_SCORE_TOPK_SOFTMAX;
    const Selection out = route(args, {100, 1, 100, 2});
    CHECK(out.ids == Ids{0, 2});
    CHECK(out.weights == Floats{0.5f, 0.5f});
    CHECK(route(args, {kInf, 1, kNan, 2}).weights == Floats{1, 0});
    CHECK(route(args, {-kInf, kNan, kNan, -kInf}).weights == Floats{0, 0});
}

TEST_CASE("top-k then sigmoid tells logits apart whose sigmoids are both 1") {
    auto args = topk_args(1, 3, 1);
    args.score = MS_SCORE_SIGMOID;
    CHECK(route(args, {40, 50, 60}).ids == Ids{0});
    args.score = MS_SCORE_TOPK_SIGMOID;
    CHECK(route(args, {40, 50, 60}).ids == Ids{2});
    CHECK(route(args, {40, 50, 60}).weights == Floats{1});
}

TEST_CASE("a softmax that meets a bias selects by their sum and weighs without it") {
    auto args = topk_args(1, 3, 1);
    const Floats bias = {0, 0, 1};
    args.bias = bias.data();
    const Selection out = route(args, {0, 0, 0});
    CHECK(out.ids == Ids{2});
    CHECK(out.weights == Floats{1.0f / 3});
    CHECK(route(args, {kInf, 0, 0}).ids == Ids{0}); // 1 against 0 + 1: the lower expert
    CHECK(route(args, {kNan, kNan, -kInf}).ids == Ids{2});
}

TEST_CASE("weights are rounded to the dtype that is asked for, last") {
    auto args = topk_args(1, 3, 3);
    args.routed_scaling = 3.0f;
    args.weights_round = GENERATE(as<ms_dtype>(), MS_F32, MS_F16, MS_BF16);
    const float weight = route(args, {0, 0, 1}).weights[1];
    CHECK(weight == round_to(args.weights_round, weight));
    CHECK(weight == Catch::Approx(3 / (2 + std::exp(1.0))).epsilon(4e-3));
}

TEST_CASE("the square root of the softplus is exact to two units in the last place") {
    double worst = 0;
    for (int i = -86 * 256; i <= 100 * 256; ++i) { // below, exp(logit) is subnormal
        const float logit = float(i) / 256 + 1e-4f;
        const double exact = std::sqrt(std::log1p(std::exp(double(logit))));
        worst = std::max(worst, std::fabs(sqrt_softplus(logit) - exact) / (exact * 0x1p-23));
    }
    CHECK(worst < 2);
    CHECK(sqrt_softplus(kInf) == kInf);
    CHECK(sqrt_softplus(-kInf) == 0.0f);
    CHECK(sqrt_softplus(kNan) == 0.0f);
    CHECK(sqrt_softplus(3e38f) == std::sqrt(3e38f));
}
