// ms_route against the references of its two halves; weights within float32 rounding.
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/route_support.h"

#include <cstdint>

using namespace moescope;
using namespace moescope::test;

namespace {

void require_ok(ms_status status) {
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
}

class GpuRoute {
  public:
    GpuRoute(const ms_topk_args &topk, const std::vector<std::uint8_t> &logits,
             std::int32_t block_rows)
        : topk_(topk), logits_(logits), weights_(slots()), ids_(slots()),
          counts_(std::size_t(topk.experts)), offsets_(std::size_t(topk.experts) + 1),
          sorted_slots_(slots()), inverse_(slots()),
          tiles_(std::size_t(ms_max_tiles(topk.tokens * topk.top_k, topk.experts, block_rows))),
          workspace_(workspace_bytes(topk)) {
        topk_.logits = logits_.data();
        topk_.weights = weights_.data();
        topk_.ids = ids_.data();
        args_.struct_size = sizeof args_;
        args_.block_rows = block_rows;
        args_.topk = &topk_;
        args_.counts = counts_.data();
        args_.offsets = offsets_.data();
        args_.sorted_slots = sorted_slots_.data();
        args_.inverse = inverse_.data();
        args_.tiles = tiles_.data();
        args_.workspace = workspace_.data();
        args_.workspace_bytes = workspace_.bytes();
    }

    Routed run() {
        for (auto *array : {&ids_, &counts_, &offsets_, &sorted_slots_, &inverse_})
            array->poison();
        weights_.poison();
        tiles_.poison();
        workspace_.poison();
        require_ok(ms_route(&args_, nullptr));
        Routed out{{weights_.download(), ids_.download()},
                   {counts_.download(), offsets_.download(), sorted_slots_.download(),
                    inverse_.download(), tiles_.download()}};
        CHECK(workspace_.red_zones_intact());
        return out;
    }

    // What ms_topk makes of the same arguments.
    Selection run_topk() {
        weights_.poison();
        ids_.poison();
        require_ok(ms_topk(&topk_, nullptr));
        return {weights_.download(), ids_.download()};
    }

  private:
    std::size_t slots() const { return std::size_t(topk_.tokens * topk_.top_k); }
    static std::size_t workspace_bytes(const ms_topk_args &topk) {
        ms_route_args args{};
        args.struct_size = sizeof args;
        args.topk = &topk;
        return ms_route_workspace_bytes(&args);
    }

    ms_topk_args topk_;
    ms_route_args args_{};
    DeviceArray<std::uint8_t> logits_;
    DeviceArray<float> weights_;
    DeviceArray<std::int32_t> ids_, counts_, offsets_, sorted_slots_, inverse_;
    DeviceArray<ms_tile> tiles_;
    DeviceArray<std::uint8_t> workspace_;
};

void check_route(const ms_topk_args &topk, const std::vector<float> &values,
                 std::int32_t block_rows) {
    INFO("E " << topk.experts << ", T " << topk.tokens << ", k " << topk.top_k << ", score "
              << topk.score << ", groups " << topk.groups << ", dtype " << topk.logits_dtype);
    const auto logits = encode(values, topk.logits_dtype);
    const Routed expected = reference_in_two(topk, logits, block_rows);
    GpuRoute gpu(topk, logits, block_rows);
    const Routed actual = gpu.run();
    CHECK(difference(actual.selection.ids, expected.selection.ids) == "");
    CHECK(difference(actual.selection.weights, expected.selection.weights, 4e-6, 1e-30) == "");
    CHECK(difference(actual.metadata.counts, expected.metadata.counts) == "");
    CHECK(difference(actual.metadata.offsets, expected.metadata.offsets) == "");
    CHECK(difference(actual.metadata.sorted_slots, expected.metadata.sorted_slots) == "");
    CHECK(difference(actual.metadata.inverse, expected.metadata.inverse) == "");
    CHECK(same_tiles(actual.metadata.tiles, expected.metadata.tiles));
}

} // namespace

TEST_CASE("route on the GPU is the reference's, for every score and shape", "[gpu][route]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(4, 8, 60, 160, 256, 384, 512, 1500);
    const std::int64_t tokens = GENERATE(1, 130, 1000, 4500);
    ms_topk_args topk = topk_args(tokens, experts, experts < 8 ? 2 : 8);
    topk.score = GENERATE(as<ms_score>{}, MS_SCORE_SOFTMAX, MS_SCORE_SIGMOID, MS_SCORE_SQRT_SOFTPLUS,
                          MS_SCORE_TOPK_SOFTMAX);
    topk.logits_dtype = tokens % 2 ? MS_F32 : MS_BF16;
    topk.renorm = MS_RENORM_ADD;
    topk.renorm_epsilon = 1e-20f;
    Random random(std::uint64_t(experts) * 77 + std::uint64_t(tokens));
    check_route(topk, uniform_values(std::size_t(tokens * experts), -6, 6, random), 64);
}

TEST_CASE("route with groups is the reference's", "[gpu][route]") {
    skip_without_gpu();
    const std::int64_t tokens = GENERATE(1, 64, 513, 4096);
    ms_topk_args topk = topk_args(tokens, 256, 8);
    topk.score = GENERATE(as<ms_score>{}, MS_SCORE_SIGMOID, MS_SCORE_SOFTMAX);
    topk.logits_dtype = GENERATE(as<ms_dtype>{}, MS_BF16, MS_F16, MS_F32);
    topk.groups = 8;
    topk.groups_kept = 4;
    Random random(std::uint64_t(tokens) + 1);
    check_route(topk, uniform_values(std::size_t(tokens * 256), -6, 6, random), 128);
}

TEST_CASE("route of few tokens is the reference's", "[gpu][route][small]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(8, 60, 256);
    const std::int64_t tokens = GENERATE(1, 33, 700);
    ms_topk_args topk = topk_args(tokens, experts, 4);
    topk.logits_dtype = GENERATE(as<ms_dtype>{}, MS_F32, MS_BF16);
    Random random(std::uint64_t(experts) + std::uint64_t(tokens));
    check_route(topk, uniform_values(std::size_t(tokens * experts), -6, 6, random), 16);
}

TEST_CASE("route of unfriendly logits is the reference's", "[gpu][route][small]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(8, 256);
    const std::int64_t tokens = GENERATE(40, 3000);
    const ms_topk_args topk = topk_args(tokens, experts, 4);
    Random random(std::uint64_t(experts) + 1);
    check_route(topk, wild_logits(tokens, experts, random), 32);
}

TEST_CASE("route takes all tokens to the same experts", "[gpu][route]") {
    skip_without_gpu();
    const std::int64_t tokens = GENERATE(64, 4096, 16384, 40000);
    ms_topk_args topk = topk_args(tokens, 256, 8);
    topk.logits_dtype = MS_BF16;
    check_route(topk, std::vector<float>(std::size_t(tokens * 256), 1.0f), 64);
}

TEST_CASE("route of many tokens, in one launch and in several, is the reference's", "[gpu][route]") {
    skip_without_gpu();
    const std::int64_t tokens = GENERATE(16384, 32768, 33000);
    ms_topk_args topk = topk_args(tokens, 128, 8);
    topk.logits_dtype = MS_BF16;
    Random random(std::uint64_t(tokens) + 1);
    check_route(topk, uniform_values(std::size_t(tokens * 128), -6, 6, random), 64);
}

TEST_CASE("route gives the same bits a hundred times over, and what top-k gives", "[gpu][route][determinism]") {
    skip_without_gpu();
    const std::int64_t tokens = GENERATE(64, 1024, 8192);
    ms_topk_args topk = topk_args(tokens, 256, 8);
    topk.logits_dtype = MS_BF16;
    Random random(12);
    const auto logits =
        encode(uniform_values(std::size_t(tokens * 256), -6, 6, random), topk.logits_dtype);
    GpuRoute gpu(topk, logits, 64);
    const Selection selection = gpu.run_topk();
    const Routed first = gpu.run();
    CHECK(first.selection.ids == selection.ids);
    CHECK(difference(first.selection.weights, selection.weights, 4e-6) == "");
    for (int repeat = 1; repeat < 100; ++repeat) {
        const Routed again = gpu.run();
        REQUIRE(again.selection.weights == first.selection.weights);
        REQUIRE(again.selection.ids == first.selection.ids);
        REQUIRE(again.metadata.sorted_slots == first.metadata.sorted_slots);
        REQUIRE(again.metadata.inverse == first.metadata.inverse);
        REQUIRE(same_tiles(again.metadata.tiles, first.metadata.tiles));
    }
}

TEST_CASE("route refuses a workspace that is too small", "[gpu][route][small]") {
    skip_without_gpu();
    DeviceArray<float> floats(512);
    DeviceArray<std::int32_t> ints(64);
    ms_topk_args topk = topk_args(2, 8, 2);
    topk.logits = floats.data();
    topk.weights = floats.data();
    topk.ids = ints.data();
    ms_route_args args{};
    args.struct_size = sizeof args;
    args.topk = &topk;
    args.counts = args.offsets = args.sorted_slots = args.inverse = ints.data();
    args.workspace_bytes = ms_route_workspace_bytes(&args) - 1;
    CHECK(ms_route(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) ==
          "ms_route: workspace_bytes is " + std::to_string(args.workspace_bytes) +
              "; it must be at least " + std::to_string(args.workspace_bytes + 1));
}
