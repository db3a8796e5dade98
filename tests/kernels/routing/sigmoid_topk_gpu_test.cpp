#include "kernels/reference.h"
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/topk_gpu_support.h"

#include <algorithm>
#include <cstdint>

using namespace moescope;
using namespace moescope::test;

namespace {

constexpr double kTolerance = 1e-6; // the sigmoid is the same to the bit; sums of weights are not

struct Groups {
    std::int32_t groups, kept;
};

// args.bias points to host memory.
void check(ms_sigmoid_topk_args args, const std::vector<std::uint8_t> &logits) {
    INFO("E " << args.experts << ", T " << args.tokens << ", k " << args.top_k << ", dtype "
              << args.logits_dtype << ", groups " << args.groups << ", kept " << args.groups_kept
              << ", score " << args.group_score << ", fill " << args.masked_fill << ", renorm "
              << args.renorm << ", bias " << (args.bias != nullptr));
    ms_status status = MS_OK;
    const Selection expected = run_reference(reference::sigmoid_topk, args, logits, status);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    std::vector<float> host_bias(std::size_t(args.experts), 0.0f);
    if (args.bias)
        host_bias.assign(args.bias, args.bias + args.experts);
    DeviceArray<float> bias(host_bias);
    args.bias = args.bias ? bias.data() : nullptr;
    const Selection actual = run_on_gpu(ms_sigmoid_topk, args, logits);
    CHECK(difference(actual.ids, expected.ids) == "");
    CHECK(difference(actual.weights, expected.weights, kTolerance, 1e-37) == "");
}

std::vector<Groups> groupings_of(std::int32_t experts) {
    std::vector<Groups> groupings = {{1, 1}};
    for (std::int32_t groups : {2, 3, 8, 64})
        if (experts % groups == 0)
            groupings.push_back({groups, (groups + 1) / 2});
    if (experts > 1 && experts <= 128)
        groupings.push_back({experts, experts - 1}); // groups of one
    return groupings;
}

} // namespace

TEST_CASE("sigmoid_topk selects the reference's experts with its weights", "[gpu][topk]") {
    skip_without_gpu();
    const std::int32_t experts =
        GENERATE(1, 7, 8, 32, 33, 60, 64, 128, 160, 256, 384, 512, 896, 1024);
    const std::int64_t tokens = GENERATE(1, 2, 63, 1000);
    const ms_dtype dtype = GENERATE(as<ms_dtype>(), MS_F32, MS_F16, MS_BF16);
    Random random(std::uint64_t(experts) * 10007 + std::uint64_t(tokens) * 3 +
                  std::uint64_t(dtype));
    const std::int64_t stride = experts + std::int64_t(random() % 4);
    const auto bias = uniform_values(std::size_t(experts), -2, 0.5, random);
    for (const Groups &grouping : groupings_of(experts)) {
        auto args = sigmoid_args(tokens, experts, 1);
        args.groups = grouping.groups;
        args.groups_kept = grouping.kept;
        args.top_k =
            std::min(random() % 3 == 0 ? 40 : 8, grouping.kept * (experts / grouping.groups));
        args.logits_dtype = dtype;
        args.logits_stride = stride;
        args.bias = random() % 3 ? bias.data() : nullptr;
        args.group_score = ms_group_score(random() % 2);
        args.masked_fill = ms_masked_fill(random() % 2);
        args.renorm = ms_renorm(random() % 4);
        args.renorm_epsilon = args.renorm == MS_RENORM_NONE ? 0.0f : 1e-12f;
        args.routed_scaling = 2.5f;
        check(args, encode(uniform_values(std::size_t(tokens * stride), -12, 12, random), dtype));
        check(args, encode(wild_logits(tokens, stride, random), dtype));
    }
}

TEST_CASE("sigmoid_topk can select all experts", "[gpu][topk][small]") {
    skip_without_gpu();
    Random random(3);
    const std::int32_t experts = GENERATE(1, 31, 32, 64, 500, 1024);
    auto args = sigmoid_args(9, experts, experts);
    args.renorm = GENERATE(as<ms_renorm>(), MS_RENORM_NONE, MS_RENORM_ADD);
    check(args, encode(uniform_values(std::size_t(9 * experts), -5, 5, random), MS_F32));
}

TEST_CASE("sigmoid_topk of few tokens is the reference's, with groups and without", "[gpu][topk][small]") {
    skip_without_gpu();
    Random random(7);
    const std::int32_t experts = GENERATE(8, 60, 256, 1024);
    const auto bias = uniform_values(std::size_t(experts), -2, 0.5, random);
    for (const Groups &grouping : groupings_of(experts)) {
        auto args = sigmoid_args(37, experts, 4);
        args.groups = grouping.groups;
        args.groups_kept = grouping.kept;
        args.bias = bias.data();
        args.renorm = MS_RENORM_ADD;
        check(args, encode(uniform_values(std::size_t(37 * experts), -12, 12, random), MS_F32));
    }
}

TEST_CASE("sigmoid_topk tells choices apart that hardly differ, whatever the biases", "[gpu][topk]") {
    skip_without_gpu();
    const std::int64_t tokens = GENERATE(97, 2500);
    const float step = GENERATE(1e-3f, 1e-5f, 1e-6f, 1e-7f); // of the logits
    const float largest_bias = GENERATE(0.0f, 1e-5f, 2.7f, 12.0f, 60.0f);
    const Groups grouping = GENERATE(Groups{1, 1}, Groups{8, 4}, Groups{8, 1});
    constexpr std::int32_t experts = 256;
    Random random(std::uint64_t(tokens) + std::uint64_t(1e7f * step + largest_bias));
    std::vector<float> logits(std::size_t(tokens * experts));
    for (float &logit : logits)
        logit = 1 + step * float(random() % 512);
    std::vector<float> bias(experts);
    for (float &value : bias) // few values, so that the logits decide
        value = largest_bias * (1 - float(random() % 4) / 2);
    auto args = sigmoid_args(tokens, experts, 8);
    args.groups = grouping.groups;
    args.groups_kept = grouping.kept;
    args.logits_dtype = MS_F32;
    args.bias = largest_bias > 0 ? bias.data() : nullptr;
    args.renorm = MS_RENORM_ADD;
    check(args, encode(logits, MS_F32));
}

TEST_CASE("sigmoid_topk and its reference agree on the bits of a weight", "[gpu][topk]") {
    skip_without_gpu();
    Random random(6);
    auto args = sigmoid_args(4096, 64, 64);
    const auto logits = encode(uniform_values(4096 * 64, -103, 103, random), MS_F32);
    ms_status status = MS_OK;
    const Selection expected = run_reference(reference::sigmoid_topk, args, logits, status);
    REQUIRE(status == MS_OK);
    const Selection actual = run_on_gpu(ms_sigmoid_topk, args, logits);
    CHECK(difference(actual.ids, expected.ids) == "");
    CHECK(difference(actual.weights, expected.weights, 0) == "");
}

TEST_CASE("sigmoid_topk refuses wrong arguments before it touches the device", "[gpu][topk][small]") {
    skip_without_gpu();
    auto args = sigmoid_args(1, 8, 9);
    CHECK(ms_sigmoid_topk(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("top_k is 9") != std::string::npos);
    synchronize();
}
