#include "kernels/reference.h"
#include "kernels/routing/routing_checks.h"
#include "tests/kernels/routing/topk_support.h"

#include <catch2/catch_all.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

using namespace moescope;
using namespace moescope::test;

namespace {

alignas(16) std::array<float, 64> floats;
alignas(16) std::array<std::int32_t, 64> ints;
std::array<ms_tile, 64> tiles;

void *unaligned(void *pointer, int bytes) { return static_cast<char *>(pointer) + bytes; }

template <class Args> void set_arrays(Args &args) {
    args.logits = floats.data();
    args.weights = floats.data();
    args.ids = ints.data();
}

ms_softmax_topk_args good_softmax() {
    auto args = softmax_args(1, 8, 2);
    set_arrays(args);
    return args;
}

ms_sigmoid_topk_args good_sigmoid() {
    auto args = sigmoid_args(1, 8, 2);
    args.groups = 4;
    args.groups_kept = 2;
    set_arrays(args);
    return args;
}

ms_topk_args good_topk() {
    auto args = topk_args(1, 8, 2);
    args.groups = 4;
    args.groups_kept = 2;
    set_arrays(args);
    return args;
}

ms_route_metadata_args good_metadata() {
    ms_route_metadata_args args{};
    args.struct_size = sizeof args;
    args.experts = 8;
    args.slots = 4;
    args.block_rows = 16;
    args.ids = args.counts = args.offsets = args.sorted_slots = args.inverse = ints.data();
    args.tiles = tiles.data();
    return args;
}

ms_tile_schedule_args good_schedule() {
    return {sizeof(ms_tile_schedule_args), 8, ints.data(), 4, 16, tiles.data()};
}

// A router whose routing is good_softmax.
struct GoodRouter {
    ms_softmax_topk_args softmax = good_softmax();
    ms_sigmoid_topk_args sigmoid = good_sigmoid();
    ms_router_args args{};
    GoodRouter() {
        args.struct_size = sizeof args;
        args.dtype = MS_BF16;
        args.hidden = args.gate = args.lora_a = args.lora_b = floats.data();
        args.hidden_stride = args.hidden_size = 8;
        args.tokens = 1;
        args.experts = 8;
        args.logits = floats.data();
        args.softmax = &softmax;
    }
};

// The message that a change to good arguments brings; the arguments unchanged must be accepted.
template <class Args, class Full>
std::string refusal(Args args, ms_status (*check)(const Args *, Full &), auto change) {
    Full full;
    REQUIRE(check(&args, full) == MS_OK);
    change(args);
    REQUIRE(check(&args, full) == MS_INVALID_ARGUMENT);
    return ms_last_error();
}

std::string softmax_refusal(auto change) {
    return refusal(good_softmax(), check_softmax_topk, change);
}
std::string sigmoid_refusal(auto change) {
    return refusal(good_sigmoid(), check_sigmoid_topk, change);
}
std::string metadata_refusal(auto change) {
    return refusal(good_metadata(), check_route_metadata, change);
}
std::string schedule_refusal(auto change) {
    return refusal(good_schedule(), check_tile_schedule, change);
}
std::string router_refusal(auto change) { return refusal(GoodRouter().args, check_router, change); }

} // namespace

TEST_CASE("softmax_topk names the field that is wrong, its value and what is allowed") {
    const std::string head = "ms_softmax_topk: ";
    CHECK(softmax_refusal([](auto &a) { a.struct_size = 8; }) ==
          head + "struct_size is 8; it must be " + std::to_string(sizeof(ms_softmax_topk_args)) +
              " (sizeof the args struct)");
    CHECK(softmax_refusal([](auto &a) { a.top_k = 9; }) ==
          head + "top_k is 9; it must be from 1 to 8 (experts)");
    CHECK(softmax_refusal([](auto &a) { a.top_k = 0; }) ==
          head + "top_k is 0; it must be from 1 to 8 (experts)");
    CHECK(softmax_refusal([](auto &a) { a.tokens = 0; }) ==
          head + "tokens is 0; it must be from 1 to 2147483647");
    CHECK(softmax_refusal([](auto &a) { a.tokens = std::int64_t(1) << 40; }) ==
          head + "tokens is 1099511627776; it must be from 1 to 2147483647");
    CHECK(softmax_refusal([](auto &a) { a.experts = -1; }) ==
          head + "experts is -1; it must be from 1 to 2147483647");
    CHECK(softmax_refusal([](auto &a) { a.logits_stride = 7; }) ==
          head + "logits_stride is 7; it must be from 8 to 2147483648 (at least experts)");
    CHECK(softmax_refusal([](auto &a) { a.logits_dtype = 3; }) ==
          head + "logits_dtype is 3 (no dtype); it must be one of MS_F32, MS_F16, MS_BF16");
    CHECK(softmax_refusal([](auto &a) { a.variant = 5; }) ==
          head + "variant is 5; it must be from 0 to 4");
    CHECK(softmax_refusal([](auto &a) { a.renorm = -1; }) ==
          head + "renorm is -1; it must be from 0 to 3");
    CHECK(softmax_refusal([](auto &a) { a.renorm_epsilon = -0.5f; }) ==
          head + "renorm_epsilon is -0.5; it must be finite and at least 0");
    CHECK(softmax_refusal([](auto &a) { a.routed_scaling = std::nanf(""); }) ==
          head + "routed_scaling is nan; it must be finite");
    CHECK(softmax_refusal([](auto &a) { a.logits = nullptr; }) ==
          head + "logits is null; it must be an array");
    CHECK(softmax_refusal([](auto &a) { a.ids = nullptr; }) ==
          head + "ids is null; it must be an array");
    CHECK(softmax_refusal([](auto &a) { a.weights = nullptr; }) ==
          head + "weights is null; it must be an array");
    CHECK(softmax_refusal([](auto &a) {
              a.logits = unaligned(floats.data(), 2);
          }).ends_with("aligned to 4 bytes"));
}

TEST_CASE("a softmax_topk variant is refused where it does not reach") {
    auto args = good_softmax();
    args.experts = 33;
    args.logits_stride = 2000;
    args.variant = MS_TOPK_WARP_BITONIC;
    ms_topk_args full;
    REQUIRE(check_softmax_topk(&args, full) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) ==
          "ms_softmax_topk: experts is 33; it must be from 1 to 32 (variant MS_TOPK_WARP_BITONIC)");
    args.variant = MS_TOPK_BLOCK_MERGE_SORT;
    CHECK(check_softmax_topk(&args, full) == MS_OK);
    args.experts = 1025;
    REQUIRE(check_softmax_topk(&args, full) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) == "ms_softmax_topk: experts is 1025; it must be from 1 to "
                                          "1024 (variant MS_TOPK_BLOCK_MERGE_SORT)");
    args.variant = MS_TOPK_SCALAR;
    CHECK(check_softmax_topk(&args, full) == MS_OK);
}

TEST_CASE("sigmoid_topk names the field that is wrong, its value and what is allowed") {
    const std::string head = "ms_sigmoid_topk: ";
    CHECK(sigmoid_refusal([](auto &a) { a.groups = 3; }) ==
          head + "groups is 3; it must be a divisor of experts, 8");
    CHECK(sigmoid_refusal([](auto &a) { a.groups = 0; }) ==
          head + "groups is 0; it must be from 1 to 8 (experts)");
    CHECK(sigmoid_refusal([](auto &a) { a.groups_kept = 5; }) ==
          head + "groups_kept is 5; it must be from 1 to 4 (groups)");
    CHECK(sigmoid_refusal([](auto &a) { a.top_k = 5; }) ==
          head + "top_k is 5; it must be from 1 to 4 (the experts of groups_kept groups)");
    CHECK(sigmoid_refusal([](auto &a) { a.top_k = 9; }) ==
          head + "top_k is 9; it must be from 1 to 8 (experts)");
    CHECK(sigmoid_refusal([](auto &a) { a.group_score = 2; }) ==
          head + "group_score is 2; it must be from 0 to 1");
    CHECK(sigmoid_refusal([](auto &a) { a.masked_fill = -1; }) ==
          head + "masked_fill is -1; it must be from 0 to 1");
    CHECK(sigmoid_refusal([](auto &a) {
              a.bias = static_cast<float *>(unaligned(floats.data(), 1));
          }).ends_with("aligned to 4 bytes"));
}

TEST_CASE("topk names the field that is wrong, and the routing a variant does not reach") {
    const std::string head = "ms_topk: ";
    const auto topk_refusal = [](auto change) { return refusal(good_topk(), check_topk, change); };
    CHECK(topk_refusal([](auto &a) { a.score = 5; }) ==
          head + "score is 5; it must be from 0 to 4");
    CHECK(topk_refusal([](auto &a) { a.weights_round = 7; }).starts_with(
        head + "weights_round is 7 (no dtype)"));
    CHECK(topk_refusal([](auto &a) { a.groups_kept = 5; }) ==
          head + "groups_kept is 5; it must be from 1 to 4 (groups)");
    CHECK(topk_refusal([](auto &a) {
              a.experts = (1 << 20) + 4;
              a.logits_stride = a.experts;
              a.bias = floats.data();
          }).ends_with("from 1 to 1048576 (a softmax with a bias or groups by their two best)"));
    for (const auto &[variant, name] : {std::pair{MS_TOPK_WARP_BITONIC, "MS_TOPK_WARP_BITONIC"},
                                        std::pair{MS_TOPK_BLOCK_MERGE_SORT, "MS_TOPK_BLOCK_MERGE_SORT"}})
        CHECK(topk_refusal([&](auto &a) { a.variant = variant; }) ==
              head + "the routing is more than a plain softmax; it must be a softmax with neither "
                     "bias nor groups (variant " + name + ")");
    CHECK(topk_refusal([](auto &a) { a.variant = MS_TOPK_WARP_SELECT; }).starts_with(
        head + "groups is 4; it must be a number that gives a group"));
    const auto ungrouped = [](auto &a) {
        a.groups = a.groups_kept = 1;
        a.variant = MS_TOPK_WARP_SELECT;
        a.logits_stride = 2000;
    };
    CHECK(topk_refusal([&](auto &a) {
              ungrouped(a);
              a.experts = 1025;
          }) == head + "experts is 1025; it must be from 1 to 1024 (variant MS_TOPK_WARP_SELECT)");
    CHECK(topk_refusal([&](auto &a) {
              ungrouped(a);
              a.experts = 1024;
              a.top_k = 33;
          }) == head + "top_k is 33; it must be from 1 to 32 (variant MS_TOPK_WARP_SELECT)");
}

TEST_CASE("warp select reaches the groups of the models that have them") {
    const auto reaches = [](std::int32_t experts, std::int32_t groups, std::int32_t kept) {
        ms_topk_args args = good_topk();
        args.experts = args.logits_stride = experts;
        args.groups = groups;
        args.groups_kept = kept;
        return takes(MS_TOPK_WARP_SELECT, args);
    };
    CHECK(reaches(256, 8, 4));  // DeepSeek-V3
    CHECK(reaches(160, 8, 3));  // DeepSeek-V2
    CHECK(reaches(64, 8, 2));
    CHECK(reaches(60, 3, 2)); // 4 lanes of 5
    CHECK(reaches(66, 3, 3)); // all kept: no limit
    CHECK_FALSE(reaches(66, 3, 2));
    CHECK_FALSE(reaches(256, 256, 9));
    CHECK_FALSE(reaches(1032, 1, 1));
}

TEST_CASE("route_metadata and tile_schedule name the field that is wrong") {
    const std::string head = "ms_route_metadata: ";
    CHECK(metadata_refusal([](auto &a) { a.experts = 4097; }) ==
          head + "experts is 4097; it must be from 1 to 4096");
    CHECK(metadata_refusal([](auto &a) { a.slots = -1; }) ==
          head + "slots is -1; it must be from 0 to 2147483647");
    CHECK(metadata_refusal([](auto &a) { a.slots = std::int64_t(1) << 31; }) ==
          head + "slots is 2147483648; it must be from 0 to 2147483647");
    CHECK(metadata_refusal([](auto &a) { a.block_rows = 4097; }) ==
          head + "block_rows is 4097; it must be from 0 to 4096");
    CHECK(metadata_refusal([](auto &a) { a.ids = nullptr; }) ==
          head + "ids is null; it must be an array");
    CHECK(metadata_refusal([](auto &a) { a.counts = nullptr; }) ==
          head + "counts is null; it must be an array");
    CHECK(metadata_refusal([](auto &a) { a.offsets = nullptr; }) ==
          head + "offsets is null; it must be an array");
    CHECK(metadata_refusal([](auto &a) { a.inverse = nullptr; }) ==
          head + "inverse is null; it must be an array");
    CHECK(metadata_refusal([](auto &a) { a.sorted_slots = nullptr; }) ==
          head + "sorted_slots is null; it must be an array");
    CHECK(metadata_refusal([](auto &a) { a.tiles = nullptr; }) ==
          head + "tiles is null; it must be an array");
    CHECK(schedule_refusal([](auto &a) { a.block_rows = 0; }) ==
          "ms_tile_schedule: block_rows is 0; it must be from 1 to 4096");
    CHECK(schedule_refusal([](auto &a) { a.experts = 0; }) ==
          "ms_tile_schedule: experts is 0; it must be from 1 to 4096");
}

TEST_CASE("route_metadata of no slots needs no arrays of slots, and without a schedule no tiles") {
    ms_route_metadata_args args = good_metadata(), full;
    args.block_rows = 0;
    args.tiles = nullptr;
    CHECK(check_route_metadata(&args, full) == MS_OK);
    args.block_rows = 16;
    args.slots = 0;
    args.ids = args.sorted_slots = args.inverse = nullptr;
    CHECK(check_route_metadata(&args, full) == MS_OK);
}

TEST_CASE("router names the field that is wrong, its value and what is allowed") {
    const std::string head = "ms_router: ";
    CHECK(router_refusal([](auto &a) { a.dtype = MS_F32; }) ==
          head + "dtype is 0 (MS_F32); it must be one of MS_F16, MS_BF16");
    CHECK(router_refusal([](auto &a) { a.hidden_size = 12; }) ==
          head + "hidden_size is 12; it must be a multiple of 8");
    CHECK(router_refusal([](auto &a) { a.hidden_stride = 12; }) ==
          head + "hidden_stride is 12; it must be a multiple of 8");
    CHECK(router_refusal([](auto &a) { a.hidden_stride = 0; }) ==
          head + "hidden_stride is 0; it must be from 8 to 2147483648 (at least hidden_size)");
    CHECK(router_refusal([](auto &a) { a.rank = 257; }) ==
          head + "rank is 257; it must be from 0 to 256");
    CHECK(router_refusal([](auto &a) {
              a.rank = 1;
              a.lora_b = nullptr;
          }) == head + "lora_b is null; it must be an array");
    CHECK(router_refusal([](auto &a) {
              a.gate = unaligned(floats.data(), 8);
          }).ends_with("aligned to 16 bytes"));
    CHECK(router_refusal([](auto &a) { a.logits = nullptr; }) ==
          head + "logits is null; it must be an array");
    CHECK(router_refusal([](auto &a) { a.softmax = nullptr; }) ==
          head + "the number of softmax, sigmoid and topk that are set is 0; it must be 1");
    GoodRouter both;
    both.args.sigmoid = &both.sigmoid;
    CheckedRouter full;
    REQUIRE(check_router(&both.args, full) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) ==
          head + "the number of softmax, sigmoid and topk that are set is 2; it must be 1");
}

TEST_CASE("a router's routing is checked on the router's own shape, and reads its logits") {
    GoodRouter router;
    router.softmax.tokens = 0; // all taken from the router
    router.softmax.experts = 0;
    router.softmax.logits = nullptr;
    CheckedRouter full;
    REQUIRE(check_router(&router.args, full) == MS_OK);
    CHECK(full.topk.score == MS_SCORE_SOFTMAX);
    CHECK(full.topk.tokens == 1);
    CHECK(full.topk.experts == 8);
    CHECK(full.topk.logits == router.args.logits);
    CHECK(full.topk.logits_stride == 8);
    CHECK(full.topk.logits_dtype == MS_F32);
    router.softmax.top_k = 9;
    REQUIRE(check_router(&router.args, full) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) ==
          "ms_softmax_topk: top_k is 9; it must be from 1 to 8 (experts)");
}

TEST_CASE("every routing reference refuses what its check refuses") {
    auto softmax = good_softmax();
    auto sigmoid = good_sigmoid();
    auto metadata = good_metadata();
    auto schedule = good_schedule();
    GoodRouter router;
    softmax.top_k = sigmoid.top_k = metadata.experts = schedule.experts = router.args.experts = 0;
    CHECK(reference::softmax_topk(&softmax, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(reference::sigmoid_topk(&sigmoid, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(reference::route_metadata(&metadata, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(reference::tile_schedule(&schedule, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(reference::router(&router.args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(reference::router(nullptr, nullptr) == MS_INVALID_ARGUMENT);
}
