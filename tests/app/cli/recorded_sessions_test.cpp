// What a machine without a GPU can show: the sessions of assets/sessions, in every format and view.
#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

using namespace moescope;

namespace {

std::vector<std::string> recorded_sessions() {
    std::vector<std::string> found;
    for (const auto &file : std::filesystem::directory_iterator(MOESCOPE_ASSETS "/sessions"))
        if (file.path().extension() == ".moescope")
            found.push_back(file.path());
    std::sort(found.begin(), found.end());
    return found;
}

bool is_written(const std::string &file) {
    std::error_code gone;
    return std::filesystem::file_size(file, gone) > 100 && !gone;
}

} // namespace

TEST_CASE("every recorded session is written in every format") {
    for (const std::string &session : recorded_sessions()) {
        INFO(session);
        const TemporaryFolder folder;
        const Answer answer = run_moescope({"export", session, "--chrome-trace", folder / "trace.json.gz", "--csv", folder / "tables",
                                            "--telemetry", folder / "telemetry.json", "--report", folder / "report.html",
                                            "--picture", folder / "picture.png"});
        INFO(answer.err);
        CHECK(answer.code == 0);
        for (const char *file : {"trace.json.gz", "telemetry.json", "report.html", "picture.png"})
            CHECK(is_written(folder / file));
        CHECK(std::filesystem::exists(folder / "tables/measurements.csv"));
    }
}

TEST_CASE("every view with a plot has a recorded session that fills it") {
    const std::vector<std::string> sessions = recorded_sessions();
    REQUIRE(sessions.size() > 1);
    const TemporaryFolder folder;
    for (const char *view : {"dispatch", "autotune", "timeline", "roofline", "routing", "memory", "sweep", "crossover", "compare"}) {
        INFO(view);
        std::string said;
        const bool filled = std::ranges::any_of(sessions, [&](const std::string &session) {
            std::vector<std::string> words{"export", session, "--plot", view, "--out", folder / "plot.svg"};
            if (view == std::string("compare"))
                words.insert(words.end(), {"--against", MOESCOPE_ASSETS "/sessions/OLMoE-1B-7B.moescope"});
            const Answer answer = run_moescope(words);
            said += answer.err;
            return answer.code == 0 && is_written(folder / "plot.svg");
        });
        INFO(said);
        CHECK(filled);
    }
}
