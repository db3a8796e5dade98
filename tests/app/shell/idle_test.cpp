// A window that shows nothing new costs nothing.
#include "app/shell/settings.h"
#include "profiler/session/session_file.h"
#include "tests/support/desktop.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <optional>
#include <thread>

using namespace moescope;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

TEST_CASE("a still window uses under 1 % of a core, its worker included", "[look]") {
    const auto display = test::VirtualDisplay::open(1600, 1000);
    if (!display)
        SKIP("Xvfb is not installed or does not start: the idle window was NOT tested");
    const test::TemporaryFolder home;
    const fs::path session = home / "sample.moescope";
    REQUIRE(save_session(*test::sample_session(), session).ok());
    test::Program window({MOESCOPE_PATH, session.string()}, test::window_environment(home.path(), display->name()));
    std::this_thread::sleep_for(6s); // the worker starts, the file is read, hovers settle
    REQUIRE(window.running());
    // A busy machine may wake it late, never make it work more. The quietest of three stretches counts: what else the
    // machine does (a clock set, a cache written out) is not the window's doing.
    double least = 1;
    for (int stretch = 0; stretch < 3; ++stretch) {
        const double before = test::cpu_seconds(window.pid());
        const auto start = std::chrono::steady_clock::now();
        std::this_thread::sleep_for(5s);
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
        least = std::min(least, (test::cpu_seconds(window.pid()) - before) / passed.count());
        if (least < 0.005)
            break;
    }
    INFO(window.output());
    REQUIRE(window.running());
    CHECK(test::cpu_seconds(window.pid()) > 0.01); // it did draw, and it was this window that was looked at
    WARN("a still window uses " << 100 * least << " % of a core");
    CHECK(least < 0.01);
}

namespace {

struct Word {
    std::string text;
    float x = 0, y = 0; // its middle
};

// What the last frame shows, by MOESCOPE_UI_MAP.
std::vector<Word> words_in(const fs::path &map) {
    const auto json = nlohmann::json::parse(test::read_bytes(map), nullptr, /*allow_exceptions=*/false);
    std::vector<Word> words;
    if (json.is_object())
        for (const auto &text : json["texts"]) {
            const auto rect = text["rect"].get<std::array<float, 4>>();
            words.push_back({text["text"].get<std::string>(), (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2});
        }
    return words;
}

template <typename Wanted> std::optional<Word> wait_for(const fs::path &map, const Wanted &wanted) {
    for (int i = 0; i < 150; ++i) {
        for (const Word &word : words_in(map))
            if (wanted(word))
                return word;
        std::this_thread::sleep_for(100ms);
    }
    return std::nullopt;
}

} // namespace

TEST_CASE("a number's words appear under a mouse that lies still", "[look]") {
    if (std::system("command -v xdotool >/dev/null") != 0)
        SKIP("xdotool is not installed: hovering was NOT tested");
    const auto display = test::VirtualDisplay::open(1600, 1000);
    if (!display)
        SKIP("Xvfb is not installed or does not start: hovering was NOT tested");
    const test::TemporaryFolder home;
    const fs::path session = home / "sample.moescope", map = home / "map.json";
    REQUIRE(save_session(*test::sample_session(), session).ok());
    Settings settings;
    settings.toured = true; // the tour would lie over it
    REQUIRE(save_settings(settings, home.path() / "config/moescope/settings.json").ok());
    auto variables = test::window_environment(home.path(), display->name());
    variables.push_back("MOESCOPE_UI_MAP=" + map.string());
    test::Program window({MOESCOPE_PATH, session.string(), "--view", "overview"}, variables);
    const auto inspector = wait_for(map, [](const Word &word) { return word.text == "95 % interval"; });
    INFO(window.output());
    REQUIRE(inspector);
    const std::string x = std::to_string(int(inspector->x)), y = std::to_string(int(inspector->y));
    const auto run = [&](std::vector<std::string> argv) {
        test::Program mouse(std::move(argv), variables);
        return mouse.wait(20s).code;
    };
    if (words_in(map).empty() || run({"xdotool", "mousemove", x, y}) != 0)
        FAIL("the mouse did not move");
    CHECK(wait_for(map, [](const Word &word) { return word.text.find("95 % confidence") != std::string::npos; }));
}
