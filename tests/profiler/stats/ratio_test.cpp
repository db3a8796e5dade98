#include "profiler/stats/ratio.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <random>
#include <vector>

using Catch::Approx;
using moescope::ratio_of_medians;

namespace {

// Times as kernels have them: log-normal about a median, and now and then a slow one.
std::vector<float> noisy(std::mt19937 &random, std::size_t n, double median, double spread) {
    std::normal_distribution<double> normal(0, spread);
    std::bernoulli_distribution slow(0.05);
    std::vector<float> values;
    for (std::size_t i = 0; i < n; ++i)
        values.push_back(float(median * std::exp(normal(random)) * (slow(random) ? 1.5 : 1.0)));
    return values;
}

} // namespace

TEST_CASE("a ratio of medians agrees with the variances of Price and Bonett computed by hand") {
    // n = 10: the second smallest and the second largest, P(Binomial(10, 1/2) <= 1) = 11 / 1024, whose
    // normal quantile is 2.29936.
    std::vector<float> a, b;
    for (int i = 0; i < 10; ++i) {
        a.push_back(float(std::exp(1 + 0.01 * i)));
        b.push_back(float(std::exp(2 + 0.02 * i)));
    }
    const auto interval = ratio_of_medians(a, b);
    REQUIRE(interval.has_value());
    CHECK(std::log(interval->ratio) == Approx(1.045).margin(1e-4));
    const double error = std::hypot(0.07, 0.14) / (2 * 2.29936);
    CHECK(std::log(interval->high) - std::log(interval->ratio) == Approx(1.95996 * error).margin(1e-5));
    CHECK(std::log(interval->ratio) - std::log(interval->low) == Approx(1.95996 * error).margin(1e-5));
}

TEST_CASE("a ratio's interval holds the true ratio about 95 times in 100") {
    std::mt19937 random(11);
    for (const std::size_t n : {10u, 37u, 200u}) {
        int held = 0;
        constexpr int kTrials = 2000;
        for (int trial = 0; trial < kTrials; ++trial) {
            const auto interval = ratio_of_medians(noisy(random, n, 100, 0.05), noisy(random, n, 110, 0.02));
            REQUIRE(interval.has_value());
            // The slow ones move both medians, each by its own spread: the truth of these two.
            const double truth = 1.1 * std::exp((0.02 - 0.05) * 0.0660);
            held += interval->low <= truth && truth <= interval->high;
        }
        CAPTURE(n);
        CHECK(held > 0.93 * kTrials);
        CHECK(held < 0.995 * kTrials);
    }
}

TEST_CASE("a ratio's interval turns over with its sides") {
    std::mt19937 random(3);
    const auto a = noisy(random, 25, 10, 0.1), b = noisy(random, 31, 12, 0.1);
    const auto there = ratio_of_medians(a, b), back = ratio_of_medians(b, a);
    REQUIRE((there && back));
    CHECK(there->ratio == Approx(1 / back->ratio));
    CHECK(there->low == Approx(1 / back->high));
    CHECK(there->high == Approx(1 / back->low));
}

TEST_CASE("too few samples, and samples that are no times, give no interval") {
    const std::vector<float> few{1, 2, 3, 4, 5}, enough{1, 2, 3, 4, 5, 6}, zero{0, 1, 2, 3, 4, 5};
    CHECK_FALSE(ratio_of_medians(few, enough));
    CHECK_FALSE(ratio_of_medians(enough, few));
    CHECK_FALSE(ratio_of_medians(enough, zero));
    CHECK(ratio_of_medians(enough, enough));
}
