// The figures' algorithms against references.
#include "app/lessons/figure.h"
#include "app/lessons/figures/sorting.h"
#include "app/lessons/router_row.h"
#include "app/views/lessons.h"
#include "kernels/routing/order_key.h"

#include <catch2/catch_all.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <random>

using namespace moescope;
using namespace moescope::lessons;
using Catch::Approx;

namespace {

std::vector<std::uint64_t> random_keys(int count, unsigned seed) {
    std::mt19937_64 random(seed);
    std::vector<float> logits;
    for (int i = 0; i < count; ++i)
        logits.push_back(float(int(random() % 9)) - 4); // many ties
    return rank_keys(logits);
}

std::vector<std::uint64_t> sorted(std::vector<std::uint64_t> keys, std::size_t size) {
    keys.resize(size, 0);
    std::sort(keys.begin(), keys.end(), std::greater<>());
    return keys;
}

Workload small_workload(int experts, int top_k) {
    Workload workload;
    workload.model.experts = experts;
    workload.model.top_k = top_k;
    workload.tokens = 64;
    return workload;
}

} // namespace

TEST_CASE("the bitonic steps sort any keys in 15 exchanges", "[lessons]") {
    for (const int count : {1, 8, 31, 32})
        for (unsigned seed = 0; seed < 20; ++seed) {
            const auto keys = random_keys(count, seed);
            const auto steps = bitonic_steps(keys);
            REQUIRE(steps.size() == 15);
            CHECK(steps.back().keys == sorted(keys, kWarpLanes));
            for (const BitonicStep &step : steps) // nothing is lost on the way
                CHECK(sorted(step.keys, kWarpLanes) == sorted(keys, kWarpLanes));
        }
}

TEST_CASE("merge rounds double sorted runs until one is left", "[lessons]") {
    for (const int count : {2, 60, 64, 128, 256, 600}) {
        const auto keys = random_keys(count, unsigned(count));
        const auto rounds = merge_rounds(keys, block_shape(count));
        REQUIRE_FALSE(rounds.empty());
        CHECK(rounds.back().run == int(rounds.back().keys.size()));
        for (const MergeRound &round : rounds)
            for (std::size_t at = 0; at < round.keys.size(); at += std::size_t(round.run))
                CHECK(std::is_sorted(round.keys.begin() + std::ptrdiff_t(at),
                                     round.keys.begin() + std::ptrdiff_t(at) + round.run, std::greater<>()));
        CHECK(rounds.back().keys == sorted(keys, rounds.back().keys.size()));
    }
}

TEST_CASE("the sorts choose the experts that the router's reference chooses", "[lessons]") {
    const auto rows = router_rows(small_workload(32, 4), 16);
    REQUIRE(rows.size() == 16);
    for (const RouterRow &row : rows) {
        const auto by_warp = bitonic_steps(rank_keys(row.logits)).back().keys;
        const auto by_block = merge_rounds(rank_keys(row.logits), block_shape(32)).back().keys;
        for (std::size_t k = 0; k < row.ids.size(); ++k) {
            CHECK(rank_key_index(by_warp[k]) == row.ids[k]);
            CHECK(rank_key_index(by_block[k]) == row.ids[k]);
        }
    }
}

TEST_CASE("the softmax figure shows the reference's choices in their order", "[lessons]") {
    const Workload workload = small_workload(16, 3);
    const auto row = router_rows(workload, 1).front();
    const Figure figure = find_figure("softmax_topk")->make({workload, Session(), {}});
    REQUIRE(figure.frames.size() == 3 + 3 + 1);
    for (int k = 0; k < 3; ++k)
        CHECK(figure.frames[std::size_t(3 + k)].caption.find(fmt::format("expert {} has", row.ids[std::size_t(k)])) !=
              std::string::npos);
}

TEST_CASE("logits' bars stand on 0: negative ones hang below it", "[lessons]") {
    const Workload workload = small_workload(16, 3);
    const auto row = router_rows(workload, 1).front();
    REQUIRE(*std::ranges::min_element(row.logits) < 0);
    const Figure figure = find_figure("softmax_topk")->make({workload, Session(), {}});
    const auto shape = [&](const std::string &key) {
        const auto &shapes = figure.frames.front().shapes;
        const auto found = std::ranges::find(shapes, key, &Shape::key);
        REQUIRE(found != shapes.end());
        return *found;
    };
    const float zero = shape("zero").y;
    for (int e = 0; e < 16; ++e) {
        const Shape bar = shape("e" + std::to_string(e));
        INFO("expert " << e << ", logit " << row.logits[std::size_t(e)]);
        CHECK((row.logits[std::size_t(e)] < 0 ? bar.y : bar.y + bar.h) == Approx(zero).margin(1.1));
    }
}

TEST_CASE("between two frames shapes with a key move and others fade", "[lessons]") {
    Frame from, to;
    Pen before(from), after(to);
    before.box(0, 0, 10, 10, Ink::Accent, "a");
    before.words(5, 5, "gone");
    before.line(0, 0, 1, 1, Ink::Line);
    after.box(100, 50, 10, 30, Ink::Accent, "a");
    after.words(7, 7, "new");
    after.line(0, 0, 1, 1, Ink::Line);
    const Frame middle = between(from, to, 0.25f);
    const auto find = [&](auto matches) { return std::ranges::find_if(middle.shapes, matches); };
    const auto moved = find([](const Shape &s) { return s.key == "a"; });
    REQUIRE(moved != middle.shapes.end());
    CHECK(moved->x == Approx(25));
    CHECK(moved->y == Approx(12.5));
    CHECK(moved->h == Approx(15));
    CHECK(find([](const Shape &s) { return s.words == "gone"; })->alpha == Approx(0.75));
    CHECK(find([](const Shape &s) { return s.words == "new"; })->alpha == Approx(0.25));
    CHECK(find([](const Shape &s) { return s.kind == Shape::Kind::Line; })->alpha == 1);
    CHECK(middle.shapes.size() == 4);
    CHECK(between(from, to, 0).shapes.size() == 3);
    CHECK(at({}, 3).shapes.empty());
}

TEST_CASE("the player steps, plays to the end and stops there", "[lessons]") {
    PlayerState player;
    step(player, 1, 3);
    CHECK(player.moving());
    advance(player, 10, 3);
    CHECK(player.position == 1);
    CHECK_FALSE(player.moving());
    player.position = player.target = 1.4f; // scrubbed to between two frames
    step(player, 1, 3);
    CHECK(player.target == 2);
    player.position = player.target = 1.4f;
    step(player, -1, 3);
    CHECK(player.target == 1);
    player.playing = true;
    player.target = 2;
    advance(player, 0.1f, 3);
    CHECK(player.playing);
    advance(player, 100, 3);
    CHECK(player.position == 2);
    CHECK_FALSE(player.playing);
    step(player, 1, 3);
    CHECK(player.target == 2);
    advance(player, 1, 0); // a picture that is gone
    CHECK(player.target == 0);
}
