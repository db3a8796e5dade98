#include "app/render/picture.h"
#include "app/shell/view_list.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>

using namespace moescope;

namespace {

// Share of pixels that are not the most common colour: 0 for an empty picture.
double ink(const Image &image) {
    std::map<std::uint32_t, int> colours;
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x) {
            const std::uint8_t *p = image.pixel(x, y);
            ++colours[std::uint32_t(p[0]) << 16 | std::uint32_t(p[1]) << 8 | p[2]];
        }
    int most = 0;
    for (const auto &[colour, count] : colours)
        most = std::max(most, count);
    return 1.0 - double(most) / (double(image.width) * image.height);
}

// Kept for a person to look at, where MOESCOPE_PICTURES names a folder.
void keep(const Image &image, const std::string &name) {
    if (const char *folder = std::getenv("MOESCOPE_PICTURES"))
        REQUIRE(write_png(image, std::filesystem::path(folder) / (name + ".png")).ok());
}

} // namespace

TEST_CASE("every view draws something, in every theme and at every scale") {
    Selection selection;
    selection.measurement = MeasurementId{3};
    for (const char *theme : {"dark", "light", "high-contrast"})
        for (const float scale : {1.0f, 1.5f, 2.0f}) {
            std::vector<std::string> names = {"window"};
            for (const View &view : views())
                names.emplace_back(view.key);
            for (const std::string &view : names) {
                INFO(view << " " << theme << " " << scale);
                const auto image = draw_picture(test::sample_session(), {.view = view,
                                                                         .theme = theme,
                                                                         .width = int(1200 * scale),
                                                                         .height = int(760 * scale),
                                                                         .scale = scale,
                                                                         .run = RunId{0},
                                                                         .selection = selection});
                REQUIRE(image.ok());
                CHECK(ink(image.value()) > 0.02);
                keep(image.value(), view + "-" + theme + "-" + std::to_string(int(scale * 10)));
            }
        }
}

TEST_CASE("every view has words for an empty session") {
    for (const View &view : views()) {
        INFO(view.key);
        const auto image = draw_picture(std::make_shared<Session>(),
                                        {.view = view.key, .width = 900, .height = 500});
        REQUIRE(image.ok());
        CHECK(ink(image.value()) > 0.003);
        keep(image.value(), std::string("empty-") + view.key);
    }
}

TEST_CASE("a wrong picture option gets one sentence") {
    const auto error = [](PictureOptions options) {
        const auto image = draw_picture(test::small_session(), options);
        REQUIRE_FALSE(image.ok());
        return image.error().sentence();
    };
    CHECK(error({.view = "overwiev"}).find("overview, roofline, dispatch") != std::string::npos);
    CHECK(error({.theme = "../dark"}).find("dark, light, high-contrast") != std::string::npos);
    CHECK(error({.width = 0}).find("width is 0") != std::string::npos);
    CHECK(error({.scale = -1}).find("0.5 to 4") != std::string::npos);
    CHECK_FALSE(render_picture(test::small_session(), "/proc/picture.png", {}).ok());
}
