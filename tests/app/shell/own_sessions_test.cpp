#include "app/shell/own_sessions.h"

#include "app/shell/recent.h"
#include "profiler/session/session_file.h"
#include "tests/support/driven_shell.h"
#include "tests/support/eventually.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;
using test::Environment;
using test::TemporaryFolder;

namespace {

std::string keep(const TemporaryFolder &folder, const std::string &name, const std::string &model, std::int64_t started_ns,
                 bool tuned = true) {
    Session session = *test::sample_session();
    for (std::size_t i = 0; i < session.runs.size(); ++i) {
        RunRecord run = session.runs[i];
        run.plan.workload.model.name = model;
        run.started_ns = started_ns;
        session.runs.set(i, run);
    }
    if (!tuned)
        session.candidates.truncate(0);
    REQUIRE(save_session(session, folder / name).ok());
    return (folder / name).string();
}

// What the banner names, once what comes up by itself has come up.
std::string opened_by_itself(const Settings &settings) {
    test::DrivenShell window(nullptr, settings);
    REQUIRE(testing::eventually([&] {
        window.frame();
        return window.shell.shown() && !window.shell.shown()->empty();
    }));
    return std::filesystem::path(window.shell.shown()->path).filename().string();
}

} // namespace

TEST_CASE("live sessions are kept in a folder of their own, whatever XDG says") {
    const Environment data("XDG_DATA_HOME", "/data");
    CHECK(own_sessions_folder() == "/data/moescope/live");
    const Environment none("XDG_DATA_HOME", ""), home("HOME", "/home/me");
    CHECK(own_sessions_folder() == "/home/me/.local/share/moescope/live");
    const Environment nowhere("HOME", "");
    CHECK(own_sessions_folder().empty());
    CHECK(next_own_session({}, 3).empty());
}

TEST_CASE("only sessions that a window named itself are cleared away, the oldest first") {
    const TemporaryFolder folder;
    const char *own[] = {"2026-11-19-101500-12.moescope", "2026-11-19-101500-12-user@gpu1.moescope",
                         "2026-11-20-101500-7.moescope", "2026-11-21-101500-900.moescope"};
    const char *others[] = {"Mixtral-8x7B.moescope", "2026-11-19.moescope", "2026-11-19-101500-12.txt", "0.moescope"};
    for (const char *name : own) {
        CHECK(is_own_session(name));
        test::write_bytes(folder / name, "x");
    }
    for (const char *name : others) {
        CHECK_FALSE(is_own_session(name));
        test::write_bytes(folder / name, "x");
    }
    const auto next = next_own_session(folder.path(), 3);
    CHECK(is_own_session(next));
    CHECK(next.parent_path() == folder.path());
    for (const char *name : others)
        CHECK(std::filesystem::exists(folder / name));
    CHECK_FALSE(std::filesystem::exists(folder / own[0]));
    CHECK_FALSE(std::filesystem::exists(folder / own[1]));
    CHECK(std::filesystem::exists(folder / own[2]));
    CHECK(std::filesystem::exists(folder / own[3]));
}

TEST_CASE("of the recordings the model's is chosen, the one named after it first, else another model's") {
    const TemporaryFolder folder;
    const std::string a = keep(folder, "A.moescope", "A", 10), other_a = keep(folder, "A-other.moescope", "A", 30),
                      b = keep(folder, "B.moescope", "B", 20), untuned = keep(folder, "C.moescope", "C", 40, false);
    const std::vector<std::string> files{other_a, a, b, untuned, (folder / "none.moescope").string()};
    CHECK(recording_for(files, "A") == a);
    CHECK(recording_for(files, "B") == b);
    CHECK(recording_for(files, "unknown") == untuned);
    CHECK(recording_for(files, "C", [](const SessionGlance &glance) { return glance.tuned; }) == b); // not other_a
    CHECK(recording_for({}, "A").empty());
}

TEST_CASE("without a GPU the window opens on its own last session, else on a recording of the workload's model") {
    Settings settings;
    settings.workload.emplace();
    settings.workload->model = ModelShape{
        .name = "Qwen3-30B-A3B", .source = "", .experts = 128, .hidden = 2048, .intermediate = 768, .top_k = 8};
    CHECK(opened_by_itself(settings) == "Qwen3-30B-A3B.moescope");
    const TemporaryFolder folder;
    const std::string own = keep(folder, "2026-11-21-101500-900.moescope", "mine", 1);
    settings.recent = {(folder / "2026-11-22-101500-900.moescope").string(), keep(folder, "saved.moescope", "other", 1), own};
    CHECK(opened_by_itself(settings) == "2026-11-21-101500-900.moescope"); // the first one is not there any more
}
