#include "profiler/sweep/steps.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <functional>

using namespace moescope;
using Catch::Approx;

namespace {

// x doubles from 1; times spread by 1 % each way.
std::vector<TrendPoint> curve(int points, const std::function<double(double)> &time, double spread = 0.01) {
    std::vector<TrendPoint> result;
    for (int i = 0; i < points; ++i) {
        const double x = double(1 << i), t = time(x);
        result.push_back({x, t, t * (1 - spread), t * (1 + spread), 0});
    }
    return result;
}

} // namespace

TEST_CASE("a curve that only bends has no steps: flat at first, then proportional, or of any power") {
    CHECK(find_steps(curve(12, [](double x) { return std::max(40.0, x); })).empty());
    CHECK(find_steps(curve(12, [](double x) { return 40 + x; })).empty());
    CHECK(find_steps(curve(12, [](double x) { return x * x; })).empty());
    CHECK(find_steps(curve(12, [](double x) { return 1000 / x; })).empty());
    CHECK(find_steps(curve(12, [](double) { return 5.0; })).empty());
}

TEST_CASE("a step of a flat stretch and of a rising one is found where it is, with its size") {
    const auto flat = find_steps(curve(8, [](double x) { return x >= 16 ? 15.0 : 10.0; }));
    REQUIRE(flat.size() == 1);
    CHECK(flat[0].after == 4);
    CHECK(flat[0].factor == Approx(1.5));
    CHECK(flat[0].expected == Approx(1));
    CHECK(flat[0].up);
    const auto rising = find_steps(curve(8, [](double x) { return x >= 16 ? 1.5 * x : x; }));
    REQUIRE(rising.size() == 1);
    CHECK(rising[0].factor == Approx(3));
    CHECK(rising[0].expected == Approx(2));
    const auto down = find_steps(curve(8, [](double x) { return x >= 16 ? 0.25 * x : x; }));
    REQUIRE(down.size() == 1); // time must fall: a stretch that merely stops rising is none
    CHECK_FALSE(down[0].up);
    CHECK(down[0].factor == Approx(0.5));
}

TEST_CASE("a step within the noise, or that the floor takes too, is none") {
    const auto step = [](double x) { return x >= 16 ? 15.0 : 10.0; };
    CHECK(find_steps(curve(8, step, 0.25)).empty());
    auto explained = curve(8, step);
    for (TrendPoint &point : explained)
        point.floor = point.time / 2;
    CHECK(find_steps(explained).empty());
}

TEST_CASE("few points, repeated places and missing times have no steps") {
    auto points = curve(8, [](double x) { return x >= 16 ? 15.0 : 10.0; });
    CHECK(find_steps(std::span(points).subspan(3, 3)).empty());
    points[2].time = 0;
    CHECK(find_steps(points).empty());
    points = curve(8, [](double x) { return x >= 16 ? 15.0 : 10.0; });
    points[3].x = points[2].x;
    CHECK(find_steps(points).empty());
}

TEST_CASE("a rank of zero is a place like any other") {
    std::vector<TrendPoint> points;
    for (const double x : {0.0, 8.0, 16.0, 24.0, 32.0, 40.0}) {
        const double t = x > 16 ? 20 : 10;
        points.push_back({x, t, t, t, 0});
    }
    const auto steps = find_steps(points);
    REQUIRE(steps.size() == 1);
    CHECK(steps[0].after == 3);
}
