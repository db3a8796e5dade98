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
