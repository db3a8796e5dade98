#include "app/render/picture.h"
#include "app/views/compare.h"
#include "app/views/sweep.h"
#include "tests/support/sample_session.h"
#include "tests/support/sweep_session.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <set>

using namespace moescope;
using Catch::Approx;

namespace {

void keep(const Image &image, const std::string &name) {
    if (const char *folder = std::getenv("MOESCOPE_PICTURES"))
        REQUIRE(write_png(image, std::filesystem::path(folder) / (name + ".png")).ok());
}

// How many pixels are of (nearly) this colour.
int pixels_of(const Image &image, const ImVec4 &colour) {
    const int wanted[] = {int(colour.x * 255), int(colour.y * 255), int(colour.z * 255)};
    int count = 0;
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x) {
            bool near = true;
            for (int channel = 0; channel < 3; ++channel)
                near = near && std::abs(int(image.pixel(x, y)[channel]) - wanted[channel]) <= 3;
            count += near;
        }
    return count;
}

SweepPlan plan_at(const char *label, Result<Plan> plan) {
    SweepPoint point;
    point.label = label;
    return {std::move(point), std::move(plan)};
}

} // namespace

TEST_CASE("a comparison begins with the run that is shown and the one before it, or a second session") {
    const auto session = test::sweep_session();
    const auto [a, b] = default_choices(*session, RunId{4}, false);
    CHECK(a == CompareChoice{false, RunId{3}, ""});
    CHECK(b == CompareChoice{false, RunId{4}, ""});
    const auto [first, second] = default_choices(*session, RunId{0}, false);
    CHECK(first.run == RunId{0});
    CHECK(second.run == RunId{1});
    const auto [here, there] = default_choices(*session, RunId{4}, true);
    CHECK_FALSE(here.other);
    CHECK(there.other);
    CHECK_FALSE(there.run.valid()); // all of its runs
    const auto [none, nothing] = default_choices(Session{}, RunId{}, false);
    CHECK(none == nothing);
}

TEST_CASE("a forest plot reaches as far as its widest interval, and not without end") {
    Comparison comparison;
    CHECK(forest_reach(comparison) == Approx(1.06).epsilon(0.01)); // twice the threshold
    ComparedRow row;
    row.time.ratio = RatioInterval{0.5, 0.4, 0.6};
    comparison.rows = {row};
    CHECK(forest_reach(comparison) == Approx(2.5).epsilon(0.06));
    comparison.rows[0].time.ratio = RatioInterval{1e6, 1e5, 1e7};
    CHECK(forest_reach(comparison) == 100);
}

TEST_CASE("what a sweep would run is counted, and what it cannot is said") {
    Plan plan;
    plan.items = {{OperatorId::GateUp, "fused", {}}, {OperatorId::GateUp, "split", {}}};
    const Error wrong{"rank is 999", "it must be 0..256", ""};
    std::vector<SweepPlan> plans = {plan_at("rank 1", plan), plan_at("rank 8", plan)};
    CHECK(offer_of(plans).sentence == "2 points, 4 measurements");
    plans.push_back(plan_at("rank 999", wrong));
    CHECK(offer_of(plans).good);
    CHECK(offer_of(plans).sentence == "2 points, 4 measurements; 1 left out: rank is 999: it must be 0..256.");
    CHECK_FALSE(offer_of(std::vector<SweepPlan>{plan_at("rank 999", wrong)}).good);
    CHECK_FALSE(offer_of(wrong).good);
}

TEST_CASE("a sweep over an order of magnitude gets a logarithmic axis, one from zero none") {
    const auto sweeps = find_sweeps(*test::sweep_session());
    REQUIRE(sweeps.size() == 1);
    CHECK(suits_log(sweeps[0]));
    CHECK(name_of(sweeps[0]) == "Tokens: Mixtral-8x7B, rank 16, uniform, on cuda:0");
    FoundSweep sweep = sweeps[0];
    sweep.points.front().x = 0;
    CHECK_FALSE(suits_log(sweep));
    sweep = sweeps[0];
    sweep.points.resize(3); // 1 to 4
    CHECK_FALSE(suits_log(sweep));
}

TEST_CASE("the sweep view draws its lines, and marks the step that one of them has") {
    for (const char *name : {"dark", "light"})
        for (const float scale : {1.0f, 2.0f}) {
            const Theme theme = built_in_theme(std::string(name) == "dark");
            const auto image = draw_picture(test::sweep_session(), {.view = "sweep",
                                                                    .theme = name,
                                                                    .width = int(1200 * scale),
                                                                    .height = int(760 * scale),
                                                                    .scale = scale});
            REQUIRE(image.ok());
            keep(image.value(), std::string("sweep-lines-") + name + std::to_string(int(scale)));
            CHECK(pixels_of(image.value(), theme.warning) > 20); // the mark
        }
}

TEST_CASE("the compare view draws what got slower and what got faster") {
    for (const char *name : {"dark", "light"})
        for (const float scale : {1.0f, 2.0f}) {
            const Theme theme = built_in_theme(std::string(name) == "dark");
            const auto draw = [&](double before, double now) {
                return draw_picture(test::sweep_session(before), {.view = "compare",
                                                                  .theme = name,
                                                                  .width = int(1200 * scale),
                                                                  .height = int(760 * scale),
                                                                  .scale = scale,
                                                                  .other = test::sweep_session(now)});
            };
            const auto worse = draw(1.1, 1.6), better = draw(1.6, 1.1);
            REQUIRE((worse.ok() && better.ok()));
            keep(worse.value(), std::string("compare-worse-") + name + std::to_string(int(scale)));
            CHECK(pixels_of(worse.value(), theme.warning) > 10 * pixels_of(better.value(), theme.warning));
            CHECK(pixels_of(better.value(), theme.good) > 10 * pixels_of(worse.value(), theme.good));
        }
}
