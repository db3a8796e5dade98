#include "tests/kernels/compare.h"
#include "tests/kernels/routing/route_support.h"

#include <cstdint>
#include <string>

using namespace moescope;
using namespace moescope::test;

TEST_CASE("the reference of a whole routing is those of its two halves") {
    std::mt19937_64 random(7);
    const std::int32_t experts = GENERATE(4, 60), top_k = GENERATE(1, 4), block_rows = GENERATE(0, 16);
    const std::int64_t tokens = GENERATE(1, 90);
    ms_topk_args topk = topk_args(tokens, experts, top_k);
    topk.score = GENERATE(as<ms_score>{}, MS_SCORE_SOFTMAX, MS_SCORE_SIGMOID);
    const auto logits = wild_logits(tokens, experts, random);
    const Routed expected = reference_in_two(topk, logits, block_rows);

    const auto slots = std::size_t(tokens * top_k);
    Selection selection{std::vector<float>(slots, -7), std::vector<std::int32_t>(slots, -7)};
    Metadata metadata{std::vector<std::int32_t>(std::size_t(experts), -7),
                      std::vector<std::int32_t>(std::size_t(experts) + 1, -7),
                      std::vector<std::int32_t>(slots, -7), std::vector<std::int32_t>(slots, -7),
                      std::vector<ms_tile>(expected.metadata.tiles.size(), ms_tile{-7, -7})};
    topk.logits = logits.data();
    topk.weights = selection.weights.data();
    topk.ids = selection.ids.data();
    ms_route_args args{};
    args.struct_size = sizeof args;
    args.block_rows = block_rows;
    args.topk = &topk;
    args.counts = metadata.counts.data();
    args.offsets = metadata.offsets.data();
    args.sorted_slots = metadata.sorted_slots.data();
    args.inverse = metadata.inverse.data();
    args.tiles = metadata.tiles.data();
    const ms_status status = reference::route(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    CHECK(difference(selection.weights, expected.selection.weights, 0) == "");
    CHECK(difference(selection.ids, expected.selection.ids) == "");
    CHECK(difference(metadata.counts, expected.metadata.counts) == "");
    CHECK(difference(metadata.offsets, expected.metadata.offsets) == "");
    CHECK(difference(metadata.sorted_slots, expected.metadata.sorted_slots) == "");
    CHECK(difference(metadata.inverse, expected.metadata.inverse) == "");
    CHECK(same_tiles(metadata.tiles, expected.metadata.tiles));
}

TEST_CASE("route names the field that is wrong, its own and those of its two halves") {
    std::vector<float> floats(64);
    std::vector<std::int32_t> ints(64);
    ms_topk_args topk = topk_args(2, 8, 2);
    topk.logits = floats.data();
    topk.weights = floats.data();
    topk.ids = ints.data();
    ms_route_args args{};
    args.struct_size = sizeof args;
    args.topk = &topk;
    args.counts = args.offsets = args.sorted_slots = args.inverse = ints.data();
    const auto refusal = [](const ms_route_args &wrong) {
        CHECK(reference::route(&wrong, nullptr) == MS_INVALID_ARGUMENT);
        return std::string(ms_last_error());
    };
    REQUIRE(reference::route(&args, nullptr) == MS_OK);
    auto wrong = args;
    wrong.topk = nullptr;
    CHECK(refusal(wrong) == "ms_route: topk is null; it must be an array");
    wrong = args;
    wrong.block_rows = 4097;
    CHECK(refusal(wrong) == "ms_route_metadata: block_rows is 4097; it must be from 0 to 4096");
    topk.top_k = 9;
    CHECK(refusal(args) == "ms_route: topk->top_k is 9; it must be from 1 to 8 (experts)");
    topk.top_k = 2;
    topk.renorm = 4;
    CHECK(refusal(args).starts_with("ms_topk: renorm is 4"));
    topk.renorm = MS_RENORM_NONE;
    topk.tokens = std::int64_t(1) << 31;
    CHECK(refusal(args) ==
          "ms_route: topk->tokens is 2147483648; it must be from 1 to 1073741823 (fewer than 2^31 slots)");
}
