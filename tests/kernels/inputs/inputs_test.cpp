#include "kernels/common/float_types.h"
#include "kernels/inputs/inputs.h"
#include "tests/kernels/inputs/checksum.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

using namespace moescope;

namespace {

std::vector<float> uniform(std::int64_t count, std::uint64_t seed, std::uint32_t tensor,
                           float scale) {
    std::vector<float> data(static_cast<std::size_t>(count));
    const FillUniformArgs args{data.data(), MS_F32, count, seed, tensor, scale};
    REQUIRE(reference::fill_uniform(&args, nullptr) == MS_OK);
    return data;
}

struct Logits {
    std::int64_t tokens = 20000;
    std::int32_t experts = 16;
    double zipf = 0;
    float hot_share = 0;
    std::uint64_t seed = 7;

    std::vector<float> log_popularity() const {
        std::vector<float> table(static_cast<std::size_t>(experts));
        make_log_popularity(experts, zipf, seed, table.data());
        return table;
    }
    std::vector<float> make() const {
        std::vector<float> gumbel(65536), logits(static_cast<std::size_t>(tokens * experts));
        make_gumbel_table(gumbel.data());
        const std::vector<float> popularity = log_popularity();
        const RoutingLogitsArgs args{logits.data(), tokens,    experts, popularity.data(),
                                     gumbel.data(), hot_share, seed};
        REQUIRE(reference::routing_logits(&args, nullptr) == MS_OK);
        return logits;
    }
    std::vector<double> first_choice_shares() const {
        const std::vector<float> logits = make();
        std::vector<double> shares(static_cast<std::size_t>(experts));
        for (auto row = logits.begin(); row != logits.end(); row += experts)
            shares[static_cast<std::size_t>(std::max_element(row, row + experts) - row)] +=
                1.0 / double(tokens);
        return shares;
    }
};

} // namespace

TEST_CASE(
    "uniform inputs are multiples of scale / 128 from -scale up to scale, all 256 equally likely") {
    const float scale = 0.25f;
    const std::vector<float> data = uniform(1 << 20, 1, 2, scale);
    std::vector<int> histogram(256);
    for (const float value : data) {
        const float multiple = value / (scale / 128.0f);
        REQUIRE(multiple == std::nearbyint(multiple));
        REQUIRE((multiple >= -128.0f && multiple <= 127.0f));
        ++histogram[static_cast<std::size_t>(multiple + 128.0f)];
    }
    const auto [least, most] = std::minmax_element(histogram.begin(), histogram.end());
    CHECK(*least > 4096 - 6 * 64); // 4096 expected, standard deviation 64
    CHECK(*most < 4096 + 6 * 64);
}

TEST_CASE("uniform inputs are the same values in every dtype") {
    const std::vector<float> wide = uniform(1000, 3, 4, 2.0f);
    for (const ms_dtype dtype : {MS_F16, MS_BF16}) {
        std::vector<std::uint16_t> narrow(1000);
        const FillUniformArgs args{narrow.data(), dtype, 1000, 3, 4, 2.0f};
        REQUIRE(reference::fill_uniform(&args, nullptr) == MS_OK);
        for (std::int64_t i = 0; i < 1000; ++i)
            REQUIRE(load_as_float(narrow.data(), dtype, i) == wide[static_cast<std::size_t>(i)]);
    }
}

TEST_CASE("tensors and seeds have their own values, and neighbours do not correlate") {
    const auto correlation = [](const float *a, const float *b, std::size_t count) {
        return 3.0 * std::inner_product(a, a + count, b, 0.0) / double(count); // variance 1/3
    };
    const std::vector<float> a = uniform(1 << 18, 1, 0, 1.0f);
    CHECK(std::fabs(correlation(a.data(), uniform(1 << 18, 1, 1, 1.0f).data(), 1 << 18)) < 0.01);
    CHECK(std::fabs(correlation(a.data(), uniform(1 << 18, 2, 0, 1.0f).data(), 1 << 18)) < 0.01);
    CHECK(std::fabs(correlation(a.data(), a.data() + 1, (1 << 18) - 1)) < 0.01);
    CHECK(std::fabs(correlation(a.data(), a.data() + 8, (1 << 18) - 8)) < 0.01);
    CHECK(std::fabs(std::accumulate(a.begin(), a.end(), 0.0) / (1 << 18) + 1.0 / 256) < 0.005);
}

TEST_CASE("a longer input begins with the shorter one") {
    const std::vector<float> whole = uniform(1003, 5, 6, 1.0f);
    const std::vector<float> part = uniform(517, 5, 6, 1.0f);
    CHECK(std::equal(part.begin(), part.end(), whole.begin()));
}

TEST_CASE("without skew every expert is as popular as the next") {
    const std::vector<float> table = Logits{}.log_popularity();
    CHECK(std::all_of(table.begin(), table.end(), [](float value) { return value == 0.0f; }));
    for (const double share : Logits{}.first_choice_shares())
        CHECK(std::fabs(share - 1.0 / 16) < 6 * std::sqrt(1.0 / 16 / 20000));
}

TEST_CASE("zipf popularity is a seeded permutation of rank^-s") {
    const Logits zipf{.zipf = 1.2};
    std::vector<float> table = zipf.log_popularity();
    CHECK(table != Logits{.zipf = 1.2, .seed = 8}.log_popularity());
    const std::vector<double> shares = zipf.first_choice_shares();
    double total = 0;
    for (const float value : table)
        total += std::exp(double(value));
    for (std::size_t e = 0; e < table.size(); ++e) { // Gumbel-max: P(first choice) = p(e)
        const double expected = std::exp(double(table[e])) / total;
        CHECK(std::fabs(shares[e] - expected) < 6 * std::sqrt(expected / 20000));
    }
    std::sort(table.begin(), table.end(), std::greater<>());
    for (std::size_t rank = 0; rank < table.size(); ++rank)
        CHECK(std::fabs(table[rank] + 1.2 * std::log(rank + 1.0)) <= 0.5 / 1024 + 1e-6);
}

TEST_CASE("expert 0 is the first choice of the hot share of tokens") {
    const std::vector<double> shares = Logits{.hot_share = 0.5f}.first_choice_shares();
    CHECK(std::fabs(shares[0] - (0.5 + 0.5 / 16)) < 0.025);
    CHECK(Logits{.hot_share = 1.0f}.first_choice_shares()[0] > 0.99999);
}

TEST_CASE("routing logits are multiples of 1/1024") {
    for (const float logit : Logits{.tokens = 500, .zipf = 0.9, .hot_share = 0.3f}.make())
        REQUIRE(logit * 1024.0f == std::nearbyint(logit * 1024.0f));
}

TEST_CASE("inputs never change: the same seed gives the recorded bits on every machine") {
    const std::vector<float> values = uniform(4099, 42, 3, 0.5f);
    CHECK(checksum(values.data(), values.size() * 4) == kUniformChecksum);
    std::vector<std::uint8_t> bytes(4099);
    const FillBytesArgs args{bytes.data(), 4099, 42, 3};
    REQUIRE(reference::fill_bytes(&args, nullptr) == MS_OK);
    CHECK(checksum(bytes.data(), bytes.size()) == kBytesChecksum);
    const std::vector<float> logits =
        Logits{.tokens = 257, .experts = 60, .zipf = 1.1, .hot_share = 0.25f, .seed = 42}.make();
    CHECK(checksum(logits.data(), logits.size() * 4) == kLogitsChecksum);
}

TEST_CASE("input generators name what is wrong") {
    float value = 0;
    FillUniformArgs args{&value, MS_F32, 1, 0, 0, 0.3f};
    CHECK(reference::fill_uniform(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("scale") != std::string::npos);
    args.scale = 1.0f;
    args.count = -1;
    CHECK(reference::fill_uniform(&args, nullptr) == MS_INVALID_ARGUMENT);
    args.count = 0;
    CHECK(reference::fill_uniform(&args, nullptr) == MS_OK);
    const RoutingLogitsArgs logits{&value, 1, 1, &value, &value, 1.5f, 0};
    CHECK(reference::routing_logits(&logits, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("hot_share") != std::string::npos);
}
