#include "app/charts/colour_scale.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>

using namespace moescope;
using namespace moescope::charts;

TEST_CASE("the colour scale's lightness rises in even steps, so that it reads in grey",
          "[charts]") {
    constexpr int kSteps = 16;
    double previous = lightness(sequential(true, 0));
    for (int i = 1; i <= kSteps; ++i) {
        const double now = lightness(sequential(true, float(i) / kSteps));
        CHECK(now - previous > 0.025);
        CHECK(now - previous < 0.045);
        previous = now;
    }
}

TEST_CASE("neighbouring colours of the scale differ by much the same everywhere", "[charts]") {
    constexpr int kSteps = 16;
    float least = 1, most = 0;
    for (int i = 0; i < kSteps; ++i) {
        const float step =
            distance(sequential(true, float(i) / kSteps), sequential(true, float(i + 1) / kSteps));
        least = std::min(least, step);
        most = std::max(most, step);
    }
    CHECK(least > 0.03f);
    CHECK(most < 2 * least);
}

TEST_CASE("the end of the scale stands out most from either theme's background", "[charts]") {
    for (const bool dark : {true, false}) {
        const ImVec4 background = built_in_theme(dark).background;
        CHECK(distance(sequential(dark, 1), background) > 0.4f);
        CHECK(distance(sequential(dark, 0), background) > 0.04f);
        CHECK(distance(sequential(dark, 1), background) >
              distance(sequential(dark, 0), background));
    }
}

TEST_CASE("the scale takes any number", "[charts]") {
    CHECK(sequential(true, -5).x == sequential(true, 0).x);
    CHECK(sequential(true, 5).x == sequential(true, 1).x);
    CHECK(sequential(true, NAN).x == sequential(true, 0).x);
}

TEST_CASE("text on the scale's colours can be read", "[charts]") {
    for (int i = 0; i <= 32; ++i) {
        const ImVec4 ground = sequential(true, float(i) / 32);
        CHECK(std::fabs(lightness(ground) - lightness(text_on(ground))) > 0.35f);
    }
}
