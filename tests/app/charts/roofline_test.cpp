#include "app/charts/roofline.h"

#include <catch2/catch_all.hpp>

using namespace moescope::charts;
using Catch::Approx;

TEST_CASE("the least roof is what is allowed", "[charts]") {
    const std::vector<Roof> roofs{{4e12, 1, "", ""}, {8e14, 0, "", ""}};
    CHECK(allowed(roofs, 1) == 4e12);
    CHECK(allowed(roofs, 200) == Approx(8e14));
    CHECK(allowed(roofs, 1e6) == 8e14);
    CHECK(allowed({}, 1) == 0);
}

TEST_CASE("the edge has a corner where the least roof changes and nowhere else", "[charts]") {
    const std::vector<Roof> roofs{{4e12, 1, "", ""}, {8e14, 0, "", ""}, {9e14, 0, "", ""}};
    CHECK(corners(roofs, {1, 1e4}) == std::vector<double>{1, 200, 1e4});
    CHECK(corners(roofs, {300, 1e4}) == std::vector<double>{300, 1e4});
    // A second rising roof under the first one moves the corner.
    const std::vector<Roof> two{{4e12, 1, "", ""}, {1e12, 1, "", ""}, {8e14, 0, "", ""}};
    CHECK(corners(two, {1, 1e4}) == std::vector<double>{1, 800, 1e4});
}

TEST_CASE("a roof that does not limit changes neither what is allowed nor the corners", "[charts]") {
    const Roof beside_it{.rate = 8e12, .slope = 1, .label = "", .explain = "", .limits = false};
    std::vector<Roof> roofs{{4e12, 1, "", ""}, {8e14, 0, "", ""}};
    const auto before = corners(roofs, {1, 1e4});
    roofs.push_back(beside_it);
    CHECK(allowed(roofs, 10) == 4e13);
    CHECK(corners(roofs, {1, 1e4}) == before);
    CHECK(allowed({&beside_it, 1}, 10) == 0);
}

TEST_CASE("a rising roof beside the others ends where it meets the flat one, a flat one crosses the chart", "[charts]") {
    const std::vector<Roof> roofs{{4e12, 1, "", ""}, {8e14, 0, "", ""}};
    const Roof rising{.rate = 8e12, .slope = 1, .label = "", .explain = "", .limits = false};
    const auto line = beside(roofs, rising, {1, 1e4}, {1e12, 1e16});
    REQUIRE(line);
    CHECK(line->first == Point{1, 8e12});
    CHECK(line->second == Point{100, 8e14});
    CHECK_FALSE(beside(roofs, rising, {200, 1e4}, {1e12, 1e16})); // all of it lies beyond
    const Roof flat{.rate = 8e12, .slope = 0, .label = "", .explain = "", .limits = false};
    CHECK(beside(roofs, flat, {1, 1e4}, {1e12, 1e16})->second == Point{1e4, 8e12});
    CHECK_FALSE(beside(roofs, flat, {1, 1e4}, {1e14, 1e16})); // out of sight
}
