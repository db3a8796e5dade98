// The real window, with OpenGL, under a virtual display.
#include "app/render/image.h"
#include "app/shell/layout.h"
#include "app/shell/settings.h"
#include "app/shell/view_list.h"
#include "app/theme.h"
#include "profiler/session/session_file.h"
#include "tests/support/desktop.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

using namespace moescope;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using test::Program;
using test::VirtualDisplay;
using test::window_environment;

Image read_png(const fs::path &path) {
    int width = 0, height = 0, channels = 0;
    stbi_uc *pixels = stbi_load(path.c_str(), &width, &height, &channels, 4);
    REQUIRE(pixels != nullptr);
    Image image(width, height);
    std::memcpy(image.rgba.data(), pixels, image.rgba.size());
    stbi_image_free(pixels);
    return image;
}

std::unique_ptr<VirtualDisplay> display_or_skip(int width, int height) {
    auto display = VirtualDisplay::open(width, height);
    if (!display)
        SKIP("Xvfb is not installed or does not start: the window was NOT tested");
    return display;
}

std::size_t colours_in(const Image &image, const Rect &rect) {
    std::set<std::uint32_t> colours;
    for (int y = int(rect.y); y < int(rect.bottom()); ++y)
        for (int x = int(rect.x); x < int(rect.right()); ++x) {
            const std::uint8_t *p = image.pixel(x, y);
            colours.insert(std::uint32_t(p[0]) << 16 | std::uint32_t(p[1]) << 8 | p[2]);
        }
    return colours.size();
}

bool is_colour(const Image &image, float x, float y, const ImVec4 &colour) {
    const std::uint8_t *p = image.pixel(int(x), int(y));
    const auto close = [](std::uint8_t a, float b) { return std::abs(float(a) - b * 255) <= 2; };
    return close(p[0], colour.x) && close(p[1], colour.y) && close(p[2], colour.z);
}

// Every pane where the layout says, with something in it, and the splitters between them.
void check_layout(const Image &image, const Theme &theme, float scale) {
    const Layout layout =
        lay_out(float(image.width), float(image.height), scale, {}, /*banner=*/true);
    for (const Rect &pane :
         {layout.banner, layout.workload, layout.first, layout.inspector, layout.status})
        CHECK(colours_in(image, pane) > 20);
    if (layout.split())
        CHECK(colours_in(image, layout.second) > 20);
    for (const Rect &splitter :
         {layout.left_splitter, layout.middle_splitter, layout.right_splitter})
        if (!splitter.empty())
            CHECK(is_colour(image, std::floor(splitter.x + (splitter.width - 1) / 2),
                            splitter.y + splitter.height / 2, theme.line));
    CHECK(is_colour(image, layout.workload.x + 2, layout.workload.bottom() - 2, theme.surface));
    CHECK(is_colour(image, layout.inspector.x + 2, layout.inspector.bottom() - 2, theme.surface));
    CHECK(is_colour(image, layout.first.x + 2, layout.first.bottom() - 2, theme.background));
}

} // namespace

TEST_CASE("the window draws every pane of a recorded session, in its themes and at every scale") {
    const test::TemporaryFolder home;
    const auto display = display_or_skip(3440, 1920);
    const fs::path session = home.path() / "sample.moescope";
    REQUIRE(save_session(*test::sample_session(), session).ok());
    struct Case {
        const char *theme, *scale, *size;
        float factor;
        const char *view;
    };
    for (const Case &c : {Case{"dark", "1", "1720x960", 1, "overview"},
                          Case{"light", "1.5", "1800x1200", 1.5f, "routing"},
                          Case{"light", "2", "3440x1920", 2, "dispatch"},
                          Case{"high-contrast", "1.25", "1600x1000", 1.25f, "roofline"},
                          Case{"dark", "1", "1280x800", 1, "session"}}) {
        INFO(c.theme << " " << c.scale << " " << c.size);
        const fs::path shot = home.path() / "shot.png";
        Program window({MOESCOPE_PATH, session.string(), "--screenshot", shot.string(), "--theme",
                        c.theme, "--scale", c.scale, "--size", c.size, "--view", c.view},
                       window_environment(home.path(), display->name()));
        const auto ended = window.wait(60s);
        INFO(ended.output);
        REQUIRE_FALSE(ended.timed_out);
        REQUIRE(ended.code == 0);
        const Image image = read_png(shot);
        CHECK(std::to_string(image.width) + "x" + std::to_string(image.height) == c.size);
        check_layout(image, load_theme(std::string(MOESCOPE_ASSETS "/themes/") + c.theme + ".json").value(), c.factor);
        if (const char *folder = std::getenv("MOESCOPE_PICTURES"))
            fs::copy_file(shot, fs::path(folder) / (std::string("real-") + c.view + ".png"),
                          fs::copy_options::overwrite_existing);
    }
}

TEST_CASE("without a display the window says so in one sentence") {
    const test::TemporaryFolder home;
    Program window({MOESCOPE_PATH}, window_environment(home.path(), ""));
    const auto ended = window.wait(30s);
    CHECK(ended.code == 1);
    CHECK(ended.output.find("the window cannot open") != std::string::npos);
    CHECK(ended.output.find("no display") != std::string::npos);
}

TEST_CASE("a wrong option of the window is refused before anything opens") {
    const test::TemporaryFolder home;
    for (const auto &[option, value] :
         {std::pair{"--view", "nonsense"}, std::pair{"--theme", "pink"}, std::pair{"--scale", "0"},
          std::pair{"--size", "10x10"}, std::pair{"--frames", "0"}}) {
        Program window({MOESCOPE_PATH, option, value}, window_environment(home.path(), ""));
        const auto ended = window.wait(30s);
        INFO(ended.output);
        CHECK(ended.code == 2);
        CHECK(ended.output.find(value) != std::string::npos);
    }
}

TEST_CASE("a run that the session does not have is refused, and a second file leaves the view that was asked for") {
    const test::TemporaryFolder home;
    const auto display = display_or_skip(1280, 800);
    const std::string session = (home.path() / "sample.moescope").string(), map = (home.path() / "map.json").string();
    REQUIRE(save_session(*test::sample_session(), session).ok());
    const auto open = [&](std::vector<std::string> options) {
        auto variables = window_environment(home.path(), display->name());
        variables.push_back("MOESCOPE_UI_MAP=" + map);
        options.insert(options.begin(), MOESCOPE_PATH);
        options.insert(options.end(), {"--screenshot", (home.path() / "shot.png").string(), "--size", "1280x800"});
        return Program(options, variables).wait(60s);
    };
    const std::string runs = std::to_string(test::sample_session()->runs.size());
    const auto refused = open({session, "--run", "99"});
    CHECK(refused.code == 2);
    CHECK(refused.output.find("--run is 99") != std::string::npos);
    CHECK(refused.output.find("sample.moescope has " + runs + " run") != std::string::npos);
    CHECK(open({session, "--run", runs}).code == 0);

    const auto shown = [&] {
        std::ifstream file(map);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    for (const ViewId view : {ViewId::Compare, ViewId::Memory}) {
        const auto ended = open(view == ViewId::Compare ? std::vector{session, session}
                                                        : std::vector{session, session, std::string("--view"), std::string("memory")});
        INFO(ended.output);
        REQUIRE(ended.code == 0);
        for (const ViewId each : {ViewId::Compare, ViewId::Memory})
            CHECK((shown().find(info(each).question) != std::string::npos) == (each == view));
    }
}

TEST_CASE("Run is clicked, the references run on the CPU, and the window keeps what was measured") {
    if (std::system("command -v xdotool >/dev/null") != 0)
        SKIP("xdotool is not installed: clicking was NOT tested");
    const test::TemporaryFolder home;
    const auto display = display_or_skip(1280, 800);
    Settings settings;
    settings.width = 1280;
    settings.height = 800;
    settings.device = "cpu";
    settings.workload.emplace();
    settings.workload->model = ModelShape{
        .name = "tiny", .source = "", .experts = 4, .hidden = 32, .intermediate = 16, .top_k = 2};
    settings.workload->tokens = 8;
    settings.workload->lora_rank = 4;
    REQUIRE(save_settings(settings, home.path() / "config/moescope/settings.json").ok());
    const auto variables = window_environment(home.path(), display->name());
    Program window({MOESCOPE_PATH}, variables);

    const Layout layout = lay_out(1280, 800, 1, {}, false);
    const auto click = [&](float x, float y) {
        Program mouse({"xdotool", "mousemove", std::to_string(int(x)), std::to_string(int(y)),
                       "sleep", "0.3", "click", "1"},
                      variables);
        REQUIRE(mouse.wait(20s).code == 0);
    };
    // The foot of the workload pane holds Run at its left.
    const float x = layout.workload.x + layout.workload.width * 0.2f,
                y = layout.workload.bottom() - 40;
    const auto measured = [&] {
        std::error_code problem;
        for (const auto &file : fs::recursive_directory_iterator(home.path() / "data", problem)) {
            if (file.path().extension() != ".moescope")
                continue;
            const auto session = read_session(file.path());
            if (session.ok() && !session->runs.empty() &&
                session->runs[0].state == RunRecord::State::Done)
                return true;
        }
        return false;
    };
    const auto until = std::chrono::steady_clock::now() + 90s;
    std::this_thread::sleep_for(3s);
    bool done = false;
    while (!done && std::chrono::steady_clock::now() < until) {
        INFO(window.output());
        REQUIRE(window.running());
        click(x, y); // again while the worker still starts: the button waits for it
        std::this_thread::sleep_for(4s);
        done = measured();
    }
    INFO(window.output());
    CHECK(done);
    window.terminate();
    const auto ended = window.wait(30s);
    CHECK(ended.code == 0);
    const auto kept = load_settings(home.path() / "config/moescope/settings.json");
    REQUIRE(kept.ok());
    REQUIRE(kept->workload);
    CHECK(kept->workload->model.name == "tiny");
    REQUIRE(kept->recent.size() == 1); // what was measured is opened again like any other file
    CHECK(read_session(kept->recent.front()).ok());
}
