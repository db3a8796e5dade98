#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_math.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

using namespace moescope;

namespace {
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
} // namespace

TEST_CASE("order keys order floats, with NaN as -infinity and the two zeros alike") {
    const std::vector<float> ascending = {-kInf,  -3.4e38f, -1.0f, -1e-38f, -1e-45f, 0.0f,
                                          1e-45f, 1e-38f,   0.5f,  1.0f,    3.4e38f, kInf};
    for (std::size_t i = 0; i + 1 < ascending.size(); ++i) {
        CHECK(order_key(ascending[i]) < order_key(ascending[i + 1]));
        CHECK(order_key_value(order_key(ascending[i])) == ascending[i]);
    }
    CHECK(order_key(kNan) == order_key(-kInf));
    CHECK(order_key(-kNan) == order_key(-kInf));
    CHECK(order_key(-0.0f) == order_key(0.0f));
    CHECK(order_key(-kInf) > 0);
}

TEST_CASE("rank keys put the larger value first and then the lower index") {
    CHECK(rank_key(2.0f, 9) > rank_key(1.0f, 0));
    CHECK(rank_key(1.0f, 3) > rank_key(1.0f, 4));
    CHECK(rank_key(-0.0f, 3) > rank_key(0.0f, 4));
    CHECK(rank_key(-kInf, 2147483646) > 0);
    CHECK(rank_key_index(rank_key(-2.5f, 77)) == 77);
    CHECK(rank_key_value(rank_key(-2.5f, 77)) == -2.5f);
}

TEST_CASE("sigmoid is exact to two units in the last place, down to its subnormals") {
    double worst = 0;
    float previous = 0;
    for (int i = -102 * 512; i <= 102 * 512; ++i) {
        const float logit = float(i) / 512 + 1e-4f;
        const float value = sigmoid(logit);
        CHECK_FALSE(value < previous * 0.9999998f); // rises, but for rounding
        previous = value;
        const double exact = 1 / (1 + std::exp(-double(logit)));
        const double unit = std::max(exact * 0x1p-23, 0x1p-149);
        worst = std::max(worst, std::fabs(value - exact) / unit);
    }
    CHECK(worst < 2);
}

TEST_CASE("the sigmoid of a moderate logit has the same bits in fewer steps") {
    for (float logit = -kModerateLogit; logit <= kModerateLogit; logit += 0.0037f)
        CHECK(std::bit_cast<std::uint32_t>(sigmoid_of_moderate(logit)) ==
              std::bit_cast<std::uint32_t>(sigmoid(logit)));
    for (float logit : {0.0f, -0.0f, 1e-45f, -1e-45f, 1.2e-7f, -kModerateLogit, kModerateLogit})
        CHECK(std::bit_cast<std::uint32_t>(sigmoid_of_moderate(logit)) ==
              std::bit_cast<std::uint32_t>(sigmoid(logit)));
}

TEST_CASE("sigmoid of the extremes is 0, one half or 1") {
    CHECK(sigmoid(kInf) == 1.0f);
    CHECK(sigmoid(-kInf) == 0.0f);
    CHECK(sigmoid(kNan) == 0.0f);
    CHECK(sigmoid(3e38f) == 1.0f);
    CHECK(sigmoid(-3e38f) == 0.0f);
    CHECK(sigmoid(0.0f) == 0.5f);
    CHECK(sigmoid(-0.0f) == 0.5f);
    CHECK(sigmoid(-103.0f) > 0.0f);
}

TEST_CASE("each renormalisation divides as it says, and never by zero") {
    CHECK(renorm_divisor(MS_RENORM_NONE, 0.5, 0.25f) == 1);
    CHECK(renorm_divisor(MS_RENORM_ADD, 0.5, 0.25f) == 0.75);
    CHECK(renorm_divisor(MS_RENORM_CLAMP, 0.5, 0.25f) == 0.5);
    CHECK(renorm_divisor(MS_RENORM_CLAMP, 0.125, 0.25f) == 0.25);
    CHECK(renorm_divisor(MS_RENORM_SKIP, 0.5, 0.25f) == 0.5);
    CHECK(renorm_divisor(MS_RENORM_SKIP, 0.25, 0.25f) == 1);
    CHECK(final_weight(0.5, 0.25, 3.0f) == 6);
    CHECK(final_weight(0.5, 0.0, 3.0f) == 0);
}
