#include "app/colour.h"

#include <catch2/catch_all.hpp>

using namespace moescope;
using Catch::Approx;

namespace {

ImVec4 grey(float value) { return {value, value, value, 1}; }

} // namespace

TEST_CASE("contrast and lightness are those of black and white at the ends", "[look]") {
    CHECK(contrast(grey(0), grey(1)) == Approx(21));
    CHECK(contrast(grey(0.5f), grey(0.5f)) == Approx(1));
    CHECK(contrast(grey(1), grey(0)) == contrast(grey(0), grey(1)));
    CHECK(lightness(grey(0)) == Approx(0).margin(1e-5));
    CHECK(lightness(grey(1)) == Approx(1).margin(1e-4));
    CHECK(distance(grey(0.2f), grey(0.2f)) == 0);
}

TEST_CASE("a colour comes back from OKLab", "[look]") {
    for (const ImVec4 &colour : {ImVec4(0.2f, 0.5f, 0.9f, 1), ImVec4(1, 0.1f, 0, 1), grey(0.3f)}) {
        const ImVec4 back = from_lab(to_lab(colour));
        CHECK(back.x == Approx(colour.x).margin(2e-3));
        CHECK(back.y == Approx(colour.y).margin(2e-3));
        CHECK(back.z == Approx(colour.z).margin(2e-3));
    }
}

TEST_CASE("without red or green cones, red and green come close; without blue ones, they do not", "[look]") {
    const ImVec4 red(0.72f, 0.38f, 0.2f, 1), green(0.45f, 0.52f, 0.2f, 1);
    const float usual = distance(red, green);
    for (const Vision vision : {Vision::Protanopia, Vision::Deuteranopia})
        CHECK(distance(as_seen(red, vision), as_seen(green, vision)) < usual / 2);
    CHECK(distance(as_seen(red, Vision::Tritanopia), as_seen(green, Vision::Tritanopia)) > usual / 2);
    CHECK(distance(as_seen(red, Vision::Usual), red) < 1e-3f);
}

TEST_CASE("greys look the same to everybody", "[look]") {
    for (const Vision vision : {Vision::Protanopia, Vision::Deuteranopia, Vision::Tritanopia})
        for (const float value : {0.0f, 0.3f, 0.7f, 1.0f})
            CHECK(distance(as_seen(grey(value), vision), grey(value)) < 0.01f);
}

TEST_CASE("text on any colour can be read", "[look]") {
    for (int r = 0; r <= 8; ++r)
        for (int g = 0; g <= 8; ++g)
            for (int b = 0; b <= 8; ++b) {
                const ImVec4 ground(float(r) / 8, float(g) / 8, float(b) / 8, 1);
                CHECK(contrast(ground, text_on(ground)) >= 4.5f);
            }
}

TEST_CASE("a colour moves towards black or white until it can be read on its ground", "[look]") {
    const ImVec4 white(1, 1, 1, 1), black(0, 0, 0, 1), amber(0.9f, 0.7f, 0.25f, 1);
    CHECK(contrast(amber, white) < 2);
    CHECK(contrast(readable_on(white, amber, 4.5f), white) >= 4.5f);
    CHECK(contrast(readable_on(white, amber, 7), white) >= 7);
    CHECK(distance(readable_on(white, amber, 4.5f), amber) < distance(readable_on(white, amber, 7), amber));
    CHECK(distance(readable_on(black, amber, 7), amber) == 0); // it can already
    CHECK(contrast(readable_on(white, amber, 21), white) > 20);
}
