#include "kernels/reference.h"
#include "kernels/routing/routing_checks.h"
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/topk_gpu_support.h"

#include <cstdint>

using namespace moescope;
using namespace moescope::test;

namespace {

// float32 sums against float64's; a rounding to 16 bits may fall to either side of that.
double tolerance_of(const ms_topk_args &args) {
    return args.weights_round == MS_F32 ? 4e-6 : args.weights_round == MS_F16 ? 1e-3 : 8e-3;
}

std::vector<ms_topk_variant> variants_for(const ms_topk_args &args) {
    std::vector<ms_topk_variant> variants = {MS_TOPK_AUTO};
    for (ms_topk_variant variant : {MS_TOPK_WARP_SELECT, MS_TOPK_WARP_BITONIC,
                                    MS_TOPK_BLOCK_MERGE_SORT, MS_TOPK_SCALAR})
        if (takes(variant, args))
            variants.push_back(variant);
    return variants;
}

// args.bias points to host memory.
void check_all_variants(ms_topk_args args, const std::vector<std::uint8_t> &logits) {
    ms_status status = MS_OK;
    const Selection expected = run_reference(reference::topk, args, logits, status);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    std::vector<float> host_bias(std::size_t(args.experts), 0.0f);
    if (args.bias)
        host_bias.assign(args.bias, args.bias + args.experts);
    DeviceArray<float> bias(host_bias);
    args.bias = args.bias ? bias.data() : nullptr;
    for (ms_topk_variant variant : variants_for(args)) {
        INFO("variant " << variant << ", score " << args.score << ", E " << args.experts << ", T "
                        << args.tokens << ", k " << args.top_k << ", dtype " << args.logits_dtype
                        << ", stride " << args.logits_stride << ", groups " << args.groups
                        << ", kept " << args.groups_kept << ", group score " << args.group_score
                        << ", fill " << args.masked_fill << ", renorm " << args.renorm
                        << ", rounded to " << args.weights_round << ", bias "
                        << (args.bias != nullptr));
        args.variant = variant;
        const Selection actual = run_on_gpu(ms_topk, args, logits);
        CHECK(difference(actual.ids, expected.ids) == "");
        CHECK(difference(actual.weights, expected.weights, tolerance_of(args), 1e-36) == "");
    }
}

void check_random_routing(std::int32_t experts, std::int64_t tokens, Random &random) {
    const auto bias = uniform_values(std::size_t(experts), -2, 0.5, random);
    const auto args = random_routing(tokens, experts, bias, random);
    const auto count = std::size_t(tokens * args.logits_stride);
    check_all_variants(args, encode(uniform_values(count, -12, 12, random), args.logits_dtype));
    check_all_variants(args, encode(wild_logits(tokens, args.logits_stride, random),
                                    args.logits_dtype));
}

} // namespace

TEST_CASE("topk of any routing is the reference's in every variant that takes it",
          "[gpu][topk]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(1, 2, 7, 8, 9, 16, 17, 32, 33, 60, 64, 65, 96, 128, 129, 160,
                                          161, 192, 256, 257, 288, 384, 512, 513, 896, 1024);
    Random random(std::uint64_t(experts) * 10007);
    for (const std::int64_t tokens : {1, 31, 700})
        for (int repeat = 0; repeat < 4; ++repeat)
            check_random_routing(experts, tokens, random);
}

TEST_CASE("topk of many tokens by their sigmoids is the reference's", "[gpu][topk]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(256, 200);
    const std::int32_t groups = GENERATE(1, 4, 8);
    constexpr std::int64_t kTokens = 8195;
    Random random(std::uint64_t(experts * 16 + groups));
    const auto bias = uniform_values(std::size_t(experts), -2, 0.5, random);
    for (const std::int32_t top_k : {1, 8}) {
        auto args = topk_args(kTokens, experts, top_k);
        args.logits_dtype = MS_BF16;
        args.score = MS_SCORE_SIGMOID;
        args.bias = top_k > 1 ? bias.data() : nullptr;
        args.groups = groups;
        args.groups_kept = (groups + 1) / 2;
        args.group_score = top_k > 1 ? MS_GROUP_TOP2_SUM : MS_GROUP_MAX;
        args.renorm = MS_RENORM_ADD;
        const auto count = std::size_t(kTokens * experts);
        check_all_variants(args, encode(uniform_values(count, -100, 12, random), MS_BF16));
        check_all_variants(args, encode(wild_logits(kTokens, experts, random), MS_BF16));
    }
}

TEST_CASE("topk of random numbers of experts is the reference's", "[gpu][topk]") {
    skip_without_gpu();
    Random random(77);
    for (int repeat = 0; repeat < 150; ++repeat)
        check_random_routing(1 + std::int32_t(random() % (repeat % 10 == 0 ? 2000 : 300)),
                             1 + std::int64_t(random() % 300), random);
}

TEST_CASE("topk of few tokens is the reference's", "[gpu][topk][small]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(8, 60, 160, 256, 384, 1024);
    Random random(std::uint64_t(experts) + 5);
    for (int repeat = 0; repeat < 5; ++repeat)
        check_random_routing(experts, 37, random);
}

TEST_CASE("topk gives rows of random bits the reference's experts", "[gpu][topk][small]") {
    skip_without_gpu();
    Random random(4);
    const std::int32_t experts = GENERATE(8, 40, 256, 512);
    for (int repeat = 0; repeat < 6; ++repeat) {
        const auto bias = uniform_values(std::size_t(experts), -2, 0.5, random);
        const auto args = random_routing(100, experts, bias, random);
        std::vector<std::uint8_t> bits(
            std::size_t(100 * args.logits_stride * size_of(args.logits_dtype)));
        for (std::uint8_t &byte : bits)
            byte = std::uint8_t(random());
        check_all_variants(args, bits);
    }
}

TEST_CASE("topk gives the same bits a hundred times", "[gpu][topk][determinism]") {
    skip_without_gpu();
    Random random(9);
    const std::int32_t experts = GENERATE(8, 160, 256, 512);
    auto args = topk_args(2000, experts, 8);
    args.score = GENERATE(as<ms_score>(), MS_SCORE_SOFTMAX, MS_SCORE_SIGMOID,
                          MS_SCORE_SQRT_SOFTPLUS, MS_SCORE_TOPK_SOFTMAX);
    args.groups = 8;
    args.groups_kept = experts == 8 ? 8 : 4;
    args.group_score = MS_GROUP_MAX;
    args.renorm = MS_RENORM_ADD;
    DeviceArray<float> logits(uniform_values(std::size_t(2000 * experts), -8, 8, random));
    for (ms_topk_variant variant : variants_for(args)) {
        args.variant = variant;
        const Selection first = run_on_device_logits(ms_topk, args, logits.data());
        for (int repeat = 1; repeat < 100; ++repeat) {
            const Selection again = run_on_device_logits(ms_topk, args, logits.data());
            REQUIRE(difference(again.ids, first.ids) == "");
            REQUIRE(difference(again.weights, first.weights, 0) == "");
        }
    }
}

TEST_CASE("topk refuses wrong arguments before it touches the device", "[gpu][topk][small]") {
    skip_without_gpu();
    auto args = topk_args(1, 8, 9);
    CHECK(ms_topk(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("top_k is 9") != std::string::npos);
    synchronize();
}
