#include "kernels/reference.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/routing/router_case.h"

#include <catch2/catch_all.hpp>

#include <cstdint>

using namespace moescope;
using namespace moescope::test;

namespace {

std::vector<float> run_router(RouterCase &router) {
    std::vector<float> logits(std::size_t(router.args.tokens * router.args.experts), -7.0f);
    router.args.hidden = router.hidden.data();
    router.args.gate = router.gate.data();
    router.args.lora_a = router.lora_a.data();
    router.args.lora_b = router.lora_b.data();
    router.args.logits = logits.data();
    const ms_status status = reference::router(&router.args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return logits;
}

} // namespace

TEST_CASE("the router's logits are hidden * gate^T and the gate LoRA's delta") {
    std::mt19937_64 random(GENERATE(1, 2));
    const ms_dtype dtype = GENERATE(as<ms_dtype>(), MS_F16, MS_BF16);
    const std::int64_t tokens = GENERATE(1, 17);
    const std::int32_t hidden_size = GENERATE(8, 72), experts = GENERATE(1, 12),
                       rank = GENERATE(0, 1, 6);
    RouterCase router(dtype, tokens, hidden_size, experts, rank, random);
    auto softmax = softmax_args(0, 0, 1);
    std::vector<float> weights(std::size_t(tokens), -7.0f);
    std::vector<std::int32_t> ids(std::size_t(tokens), -7);
    softmax.weights = weights.data();
    softmax.ids = ids.data();
    router.args.softmax = &softmax;
    CHECK(difference(run_router(router), router.expected_logits(), 0) == "");
}

TEST_CASE("the router ends in the routing it was given, on its own logits") {
    std::mt19937_64 random(3);
    RouterCase router(MS_BF16, 9, 64, 32, 4, random);
    const bool with_softmax = GENERATE(true, false);
    Selection routed;
    routed.weights.assign(9 * 4, -7.0f);
    routed.ids.assign(9 * 4, -7);
    auto softmax = softmax_args(0, 0, 4);
    auto sigmoid = sigmoid_args(0, 0, 4);
    softmax.renorm = sigmoid.renorm = MS_RENORM_ADD;
    softmax.weights = sigmoid.weights = routed.weights.data();
    softmax.ids = sigmoid.ids = routed.ids.data();
    sigmoid.groups = 4;
    sigmoid.groups_kept = 2;
    router.args.softmax = with_softmax ? &softmax : nullptr;
    router.args.sigmoid = with_softmax ? nullptr : &sigmoid;
    const std::vector<float> logits = run_router(router);

    softmax.tokens = sigmoid.tokens = 9;
    softmax.experts = sigmoid.experts = 32;
    softmax.logits_stride = sigmoid.logits_stride = 32;
    ms_status status = MS_OK;
    const Selection expected =
        with_softmax ? run_reference(reference::softmax_topk, softmax, logits, status)
                     : run_reference(reference::sigmoid_topk, sigmoid, logits, status);
    REQUIRE(status == MS_OK);
    CHECK(routed.ids == expected.ids);
    CHECK(routed.weights == expected.weights);
}
