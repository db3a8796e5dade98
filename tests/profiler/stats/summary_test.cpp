#include "profiler/stats/summary.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

using Catch::Approx;
using moescope::summarize;
using moescope::Summary;

namespace {

std::vector<float> shuffled_range(int n) {
    std::vector<float> values(std::size_t(n), 0.0f);
    std::iota(values.begin(), values.end(), 1.0f);
    std::shuffle(values.begin(), values.end(), std::mt19937(7));
    return values;
}

} // namespace

TEST_CASE("no samples give a summary of zeros") {
    const Summary summary = summarize({});
    CHECK(summary.samples == 0);
    CHECK(summary.median == 0);
    CHECK(summary.relative_ci() == 0);
}

TEST_CASE("quantiles interpolate between order statistics as type 7 does") {
    const std::vector<float> values{40, 10, 30, 20};
    const Summary summary = summarize(values);
    CHECK(summary.samples == 4);
    CHECK(summary.minimum == 10);
    CHECK(summary.p10 == Approx(13)); // numpy.quantile([10, 20, 30, 40], 0.1)
    CHECK(summary.median == Approx(25));
    CHECK(summary.p90 == Approx(37));
    CHECK(summary.maximum == 40);
    CHECK(summary.mean == Approx(25));
}

TEST_CASE("the median's interval is the tabled one for a sign test at 95 %") {
    // Ranks (from 1) of the interval by sample size, as in tables of the binomial at p = 1/2.
    const auto [n, low, high] = GENERATE(table<int, float, float>({{6, 1, 6},
                                                                   {8, 1, 8},
                                                                   {9, 2, 8},
                                                                   {10, 2, 9},
                                                                   {20, 6, 15},
                                                                   {25, 8, 18},
                                                                   {50, 18, 33},
                                                                   {100, 40, 61}}));
    CAPTURE(n);
    const Summary summary = summarize(shuffled_range(n));
    CHECK(summary.ci_low == low);
    CHECK(summary.ci_high == high);
}

TEST_CASE("with fewer than six samples the interval is the whole range") {
    const int n = GENERATE(1, 2, 3, 4, 5);
    const Summary summary = summarize(shuffled_range(n));
    CHECK(summary.ci_low == 1);
    CHECK(summary.ci_high == float(n));
}

TEST_CASE("the interval of many samples narrows around the median") {
    const Summary summary = summarize(shuffled_range(5000));
    CHECK(summary.median == Approx(2500.5));
    CHECK(summary.ci_low == Approx(2431).margin(1)); // 2500 - 1.96 * sqrt(5000) / 2
    CHECK(summary.ci_high == Approx(2570).margin(1));
}
