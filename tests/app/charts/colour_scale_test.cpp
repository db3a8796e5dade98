#include "app/charts/colour_scale.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>

using namespace moescope;
using namespace moescope::charts;

namespace {

std::vector<Theme> shipped() {
    std::vector<Theme> themes;
    for (const ThemeChoice &choice : themes_in(MOESCOPE_ASSETS "/themes"))
        themes.push_back(load_theme(MOESCOPE_ASSETS "/themes/" + choice.key + ".json").value());
    REQUIRE(themes.size() >= 3);
    return themes;
}

} // namespace

TEST_CASE("the colour scale's lightness changes in even steps, so that it reads in grey",
          "[charts][look]") {
    constexpr int kSteps = 16;
    for (const Theme &theme : shipped()) {
        INFO(theme.name);
        const float way = theme.dark ? 1 : -1;
        float previous = lightness(sequential(theme, 0));
        for (int i = 1; i <= kSteps; ++i) {
            const float now = lightness(sequential(theme, float(i) / kSteps));
            CHECK((now - previous) * way > 0.02f);
            CHECK((now - previous) * way < 0.05f);
            previous = now;
        }
    }
}

TEST_CASE("neighbouring colours of the scale differ by much the same everywhere, however one sees colours",
          "[charts][look]") {
    constexpr int kSteps = 16;
    for (const Theme &theme : shipped())
        for (const Vision vision :
             {Vision::Usual, Vision::Protanopia, Vision::Deuteranopia, Vision::Tritanopia}) {
            INFO(theme.name << " vision " << int(vision));
            float least = 1, most = 0;
            for (int i = 0; i < kSteps; ++i) {
                const float step = distance(as_seen(sequential(theme, float(i) / kSteps), vision),
                                            as_seen(sequential(theme, float(i + 1) / kSteps), vision));
                least = std::min(least, step);
                most = std::max(most, step);
            }
            CHECK(least > 0.02f);
            CHECK(most < 3 * least);
        }
}

TEST_CASE("the end of the scale stands out most from its theme's background", "[charts][look]") {
    for (const Theme &theme : shipped()) {
        INFO(theme.name);
        CHECK(distance(sequential(theme, 1), theme.background) > 0.4f);
        CHECK(distance(sequential(theme, 0), theme.background) > 0.04f);
        CHECK(distance(sequential(theme, 1), theme.background) >
              distance(sequential(theme, 0), theme.background));
    }
}

TEST_CASE("the scale takes any number", "[charts]") {
    const Theme theme = built_in_theme(true);
    CHECK(sequential(theme, -5).x == sequential(theme, 0).x);
    CHECK(sequential(theme, 5).x == sequential(theme, 1).x);
    CHECK(sequential(theme, NAN).x == sequential(theme, 0).x);
}

TEST_CASE("text on the scale's colours can be read", "[charts][look]") {
    for (const Theme &theme : shipped())
        for (int i = 0; i <= 32; ++i) {
            const ImVec4 ground = sequential(theme, float(i) / 32);
            CHECK(contrast(ground, text_on(ground)) >= 4.5f);
        }
}
