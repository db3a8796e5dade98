// Text size and the scale of monitors, also when it changes while the window is open.
#include "app/render/image.h"
#include "app/render/picture.h"
#include "app/render/rasteriser.h"
#include "tests/support/desktop.h"
#include "tests/support/driven_shell.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <thread>

using namespace moescope;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Image picture_of(test::DrivenShell &window, float width, float height, float scale, const FontFiles &fonts) {
    ImGuiIO &io = ImGui::GetIO();
    io.DisplaySize = {width, height};
    window.shell.use_scale(scale, fonts);
    window.frames(4);
    unsigned char *pixels = nullptr;
    Texture atlas;
    io.Fonts->GetTexDataAsRGBA32(&pixels, &atlas.width, &atlas.height);
    atlas.rgba = pixels;
    Image image{int(width), int(height)};
    clear(image, window.shell.theme().background);
    rasterise(*ImGui::GetDrawData(), atlas, image);
    return image;
}

// Of the pixels; all of them for pictures of different sizes.
double share_differing(const Image &a, const Image &b) {
    if (a.width != b.width || a.height != b.height)
        return 1;
    std::size_t differing = 0;
    for (int y = 0; y < a.height; ++y)
        for (int x = 0; x < a.width; ++x)
            differing += std::abs(int(a.pixel(x, y)[1]) - int(b.pixel(x, y)[1])) > 24;
    return double(differing) / (double(a.width) * a.height);
}

// Height of a word of the window in its last frame, in pixels, and the size of that frame.
struct Frame {
    float width = 0, word = 0;
};
Frame last_frame(const fs::path &map) {
    std::ifstream in(map);
    const auto json = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
    Frame frame;
    if (!json.is_object())
        return frame;
    frame.width = json["size"][0].get<float>();
    for (const auto &text : json["texts"])
        if (text["text"] == "Workload")
            frame.word = std::max(frame.word, text["rect"][3].get<float>() - text["rect"][1].get<float>());
    return frame;
}

template <typename Done> Frame until(const fs::path &map, const Done &done) {
    Frame frame;
    for (int i = 0; i < 150; ++i) {
        frame = last_frame(map);
        if (frame.word > 0 && done(frame))
            break;
        std::this_thread::sleep_for(100ms);
    }
    return frame;
}

} // namespace

TEST_CASE("a window that comes to a monitor of another scale looks as if it had been opened there", "[look]") {
    const FontFiles fonts = find_fonts();
    for (const float scale : {1.25f, 1.5f, 2.0f}) {
        INFO(scale);
        const float width = 1200 * scale, height = 760 * scale;
        test::DrivenShell moved(test::sample_session(), {}, 1200, 760);
        const Image before = picture_of(moved, 1200, 760, 1, fonts);
        const Image there = picture_of(moved, width, height, scale, fonts);
        const Image back = picture_of(moved, 1200, 760, 1, fonts);
        CHECK(back.rgba == before.rgba);
        const auto opened = draw_picture(test::sample_session(), {.view = "window",
                                                                  .width = int(width),
                                                                  .height = int(height),
                                                                  .scale = scale});
        REQUIRE(opened.ok());
        CHECK(share_differing(there, opened.value()) < 0.01); // columns of tables may be a pixel apart
        CHECK(moved.shell.scale() == 1);
    }
}

TEST_CASE("text grows and shrinks in steps by Ctrl+Equal and Ctrl+Minus, and comes back by Ctrl+0", "[look]") {
    test::DrivenShell window(test::sample_session());
    CHECK(window.shell.zoom() == 1);
    window.press("Ctrl+Equal");
    CHECK(window.shell.zoom() == Catch::Approx(1.1));
    window.press("Ctrl+Equal");
    CHECK(window.shell.zoom() == Catch::Approx(1.25));
    window.press("Ctrl+Minus");
    CHECK(window.shell.zoom() == Catch::Approx(1.1));
    for (int i = 0; i < 20; ++i)
        window.press("Ctrl+Equal");
    CHECK(window.shell.zoom() == 3);
    for (int i = 0; i < 20; ++i)
        window.press("Ctrl+Minus");
    CHECK(window.shell.zoom() == 0.5f);
    window.press("Ctrl+0");
    CHECK(window.shell.zoom() == 1);
    CHECK(window.shell.settings().zoom == 1);
}

TEST_CASE("on X11 the window takes the desktop's scale, and grows by its keys", "[look]") {
    if (std::system("command -v xprop >/dev/null && command -v xdotool >/dev/null") != 0)
        SKIP("xprop or xdotool is not installed: the scale of X11 was NOT tested");
    const auto display = test::VirtualDisplay::open(2300, 1500);
    if (!display)
        SKIP("Xvfb is not installed or does not start: the scale of X11 was NOT tested");
    const test::TemporaryFolder home;
    auto variables = test::window_environment(home.path(), display->name());
    // What GNOME and KDE set for a scale of 1.5. Kept by a client, or the server forgets it with its last one.
    test::Program keeper({"xprop", "-root", "-spy"}, variables);
    test::Program setter({"xprop", "-root", "-f", "RESOURCE_MANAGER", "8s", "-set", "RESOURCE_MANAGER",
                          "Xft.dpi:\t144\n"},
                         variables);
    REQUIRE(setter.wait(20s).code == 0);
    const fs::path map = home / "map.json";
    variables.push_back("MOESCOPE_UI_MAP=" + map.string());
    test::Program window({MOESCOPE_PATH}, variables);
    const Frame first = until(map, [](const Frame &) { return true; });
    INFO(window.output());
    REQUIRE(window.running());
    CHECK(first.width == 1440 * 1.5f);
    const auto press = [&](const char *key) {
        test::Program keyboard({"xdotool", "search", "--onlyvisible", "--class", "moescope", "windowfocus", "--sync", "key",
                                "--window", "0", key},
                               variables);
        return keyboard.wait(20s);
    };
    REQUIRE(press("ctrl+equal").code == 0);
    const Frame larger = until(map, [&](const Frame &now) { return now.word > first.word; });
    CHECK(larger.word > first.word);
    CHECK(larger.width == first.width);
}

TEST_CASE("on Wayland the window follows the scale of the monitor it is moved to", "[look]") {
    const test::TemporaryFolder home;
    const auto desktop = test::WaylandDesktop::open("output HEADLESS-1 resolution 1600x1000 position 0,0 scale 1\n"
                                                    "output HEADLESS-2 resolution 2400x1500 position 1600,0 scale 2\n"
                                                    "default_border none\n");
    if (!desktop)
        SKIP("sway is not installed or does not start: Wayland was NOT tested");
    auto variables = test::window_environment(home.path(), "");
    for (const std::string &variable : desktop->environment())
        variables.push_back(variable);
    const fs::path map = home / "map.json";
    variables.push_back("MOESCOPE_UI_MAP=" + map.string());
    test::Program window({MOESCOPE_PATH}, variables);
    const Frame first = until(map, [](const Frame &now) { return now.width == 1600; });
    INFO(window.output());
    REQUIRE(window.running());
    CHECK(first.width == 1600);
    REQUIRE(desktop->command("[app_id=\"moescope\"] move container to output HEADLESS-2"));
    const Frame moved = until(map, [](const Frame &now) { return now.width == 2400; });
    CHECK(moved.width == 2400);
    CHECK(moved.word > 1.7f * first.word);
    CHECK(moved.word < 2.3f * first.word);
    REQUIRE(desktop->command("[app_id=\"moescope\"] move container to output HEADLESS-1"));
    const Frame back = until(map, [](const Frame &now) { return now.width == 1600; });
    CHECK(back.width == 1600);
    CHECK(back.word == first.word);
}
