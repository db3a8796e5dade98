// A window that shows nothing new costs nothing.
#include "profiler/session/session_file.h"
#include "tests/support/desktop.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_all.hpp>

#include <thread>

using namespace moescope;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

TEST_CASE("a still window uses under 1 % of a core, its worker included", "[look]") {
    const auto display = test::VirtualDisplay::open(1600, 1000);
    if (!display)
        SKIP("Xvfb is not installed or does not start: the idle window was NOT tested");
    const test::TemporaryFolder home;
    const fs::path session = home / "sample.moescope", map = home / "map.json";
    REQUIRE(save_session(*test::sample_session(), session).ok());
    auto variables = test::window_environment(home.path(), display->name());
    test::Program window({MOESCOPE_PATH, session.string()}, variables);
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
