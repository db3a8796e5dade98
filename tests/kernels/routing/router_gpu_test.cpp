#include "kernels/reference.h"
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/router_case.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

using namespace moescope;
using namespace moescope::test;

namespace {

struct Routed {
    std::vector<float> logits;
    Selection selection;
};

// Runs the router of `routing` on the GPU, in a poisoned workspace of just the size it asks for.
template <class Args> Routed run_on_gpu(const RouterCase &router, Args routing) {
    const auto outputs = std::size_t(router.args.tokens * routing.top_k);
    DeviceArray<std::uint16_t> hidden(router.hidden), gate(router.gate), lora_a(router.lora_a),
        lora_b(router.lora_b);
    DeviceArray<float> logits(std::size_t(router.args.tokens * router.args.experts)),
        weights(outputs);
    DeviceArray<std::int32_t> ids(outputs);
    routing.weights = weights.data();
    routing.ids = ids.data();
    ms_router_args args = router.args;
    if constexpr (std::is_same_v<Args, ms_softmax_topk_args>)
        args.softmax = &routing;
    else
        args.sigmoid = &routing;
    args.hidden = hidden.data();
    args.gate = gate.data();
    args.lora_a = lora_a.data();
    args.lora_b = lora_b.data();
    args.logits = logits.data();
    DeviceArray<std::uint8_t> workspace(ms_router_workspace_bytes(&args));
    args.workspace = workspace.data();
    args.workspace_bytes = workspace.bytes();
    const ms_status status = ms_router(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    Routed out{logits.download(), {weights.download(), ids.download()}};
    CHECK(workspace.red_zones_intact());
    return out;
}

template <class Args>
void check(RouterCase &router, Args routing, ms_status (*reference)(const Args *, ms_stream)) {
    INFO("T " << router.args.tokens << ", H " << router.args.hidden_size << ", E "
              << router.args.experts << ", R " << router.args.rank << ", dtype "
              << router.args.dtype);
    const Routed actual = run_on_gpu(router, routing);
    const std::vector<float> logits = router.expected_logits();
    CHECK(difference(actual.logits, logits, 0) == ""); // exact: see RouterCase
    routing.tokens = router.args.tokens;
    routing.experts = router.args.experts;
    routing.logits_stride = router.args.experts;
    ms_status status = MS_OK;
    const Selection expected = run_reference(reference, routing, logits, status);
    REQUIRE(status == MS_OK);
    CHECK(difference(actual.selection.ids, expected.ids) == "");
    CHECK(difference(actual.selection.weights, expected.weights, 4e-6, 1e-37) == "");
}

} // namespace

TEST_CASE("the router on the GPU is the reference's, with and without gate LoRA", "[gpu][router]") {
    skip_without_gpu();
    const ms_dtype dtype = GENERATE(as<ms_dtype>(), MS_F16, MS_BF16);
    const std::int64_t tokens = GENERATE(1, 17, 130);
    const std::int32_t hidden_size = GENERATE(8, 200, 2048), experts = GENERATE(1, 8, 60, 256);
    const std::int32_t rank = GENERATE(0, 1, 8);
    Random random(std::uint64_t(tokens * 7 + hidden_size * 5 + experts * 3 + rank));
    RouterCase router(dtype, tokens, hidden_size, experts, rank, random);
    check(router, softmax_args(0, 0, std::min(8, experts)), reference::softmax_topk);
    check(router, sigmoid_args(0, 0, std::min(8, experts)), reference::sigmoid_topk);
}

TEST_CASE("the router of few tokens is the reference's", "[gpu][router][small]") {
    skip_without_gpu();
    const std::int32_t rank = GENERATE(0, 8);
    Random random(11);
    RouterCase router(MS_BF16, 17, 200, 60, rank, random);
    check(router, softmax_args(0, 0, 8), reference::softmax_topk);
    check(router, sigmoid_args(0, 0, 8), reference::sigmoid_topk);
}

TEST_CASE("the router gives the same bits a hundred times", "[gpu][router][determinism]") {
    skip_without_gpu();
    const std::int64_t tokens = GENERATE(1, 300, 3000); // many parts of H, some, one
    const std::int32_t rank = GENERATE(0, 8);
    Random random(std::uint64_t(tokens) + 13);
    RouterCase router(MS_BF16, tokens, 2048, 256, rank, random);
    const auto values = uniform_values(router.hidden.size(), -3, 3, random); // their sums round
    for (std::size_t i = 0; i < values.size(); ++i)
        store_from_float(router.hidden.data(), MS_BF16, std::int64_t(i), values[i]);
    const auto routing = softmax_args(0, 0, 8);
    const Routed first = run_on_gpu(router, routing);
    for (int repeat = 1; repeat < 100; ++repeat) {
        const Routed again = run_on_gpu(router, routing);
        REQUIRE(difference(again.logits, first.logits, 0) == "");
        REQUIRE(difference(again.selection.ids, first.selection.ids) == "");
        REQUIRE(difference(again.selection.weights, first.selection.weights, 0) == "");
    }
}

TEST_CASE("the router refuses a workspace that is too small", "[gpu][router][small]") {
    skip_without_gpu();
    Random random(1);
    RouterCase router(MS_BF16, 4, 512, 8, 0, random);
    auto softmax = softmax_args(0, 0, 2);
    DeviceArray<std::uint8_t> memory(4096);
    router.args.hidden = router.args.gate = memory.data();
    router.args.logits = reinterpret_cast<float *>(memory.data());
    softmax.weights = reinterpret_cast<float *>(memory.data());
    softmax.ids = reinterpret_cast<std::int32_t *>(memory.data());
    router.args.softmax = &softmax;
    router.args.workspace = memory.data();
    const std::size_t needed = ms_router_workspace_bytes(&router.args);
    REQUIRE(needed > 0);
    router.args.workspace_bytes = needed - 1;
    CHECK(ms_router(&router.args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) == "ms_router: workspace_bytes is " +
                                              std::to_string(needed - 1) +
                                              "; it must be at least " + std::to_string(needed));
}
