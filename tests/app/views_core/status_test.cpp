#include "app/views/session_file.h"
#include "app/views/status.h"
#include "profiler/base/assets.h"
#include "profiler/session/session_builder.h"

#include <catch2/catch_test_macros.hpp>

#include <functional>

using namespace moescope;

namespace {

struct Shown {
    SessionBuilder builder{"test"};
    Selection selection;
    Theme theme = built_in_theme(true);
    WorkerClient::Progress progress;
    StatusState state;

    std::vector<Error> problems() {
        const ViewContext context{.session = builder.snapshot(),
                                  .progress = progress,
                                  .theme = theme,
                                  .selection = selection,
                                  .run = {},
                                  .show = {},
                                  .run_plan = {},
                                  .tune = {},
                                  .copy_text = {}};
        return problems_of(context, state);
    }
};

} // namespace

TEST_CASE("problems are listed once each, the window's newest first, then the worker's and the "
          "session's") {
    Shown shown;
    CHECK(shown.problems().empty());
    const Error first{"first", "", ""}, second{"second", "", ""},
        gone{"the worker died", "signal 9", ""}, failed{"gate_up failed", "", ""};
    shown.state.problems = {first, second};
    shown.progress.error = gone;
    shown.builder.add(Failure{.time_ns = 1, .run = {}, .where = "worker", .error = gone});
    shown.builder.add(Failure{.time_ns = 2, .run = {}, .where = "gate_up", .error = failed});
    CHECK(shown.problems() == std::vector<Error>{second, first, gone, failed});
}

TEST_CASE("records that CUPTI dropped are a problem to read") {
    Shown shown;
    RunRecord run;
    run.dropped_records = 12345;
    shown.builder.add_run(run);
    const auto problems = shown.problems();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].what == "12,345 records were dropped");
}

TEST_CASE("a session says where it comes from, and exports go beside its file") {
    Session session;
    CHECK(origin_text(session) == "Live");
    CHECK(suggested_path(session, ExportKind::ChromeTrace) == "session.trace.json");
    session.origin = Origin::Recorded;
    session.path = "/data/h200.moescope";
    RunRecord run;
    run.device.name = "NVIDIA H200";
    session.runs.push_back(run);
    CHECK(origin_text(session) == "Recorded on NVIDIA H200");
    run.device.host = "node7";
    session.runs.push_back(run);
    CHECK(origin_text(session) == "Recorded on NVIDIA H200, node7");
    CHECK(suggested_path(session, ExportKind::Report) == "/data/h200.html");
    CHECK(suggested_path(session, ExportKind::Csv) == "/data/h200.csv");
    CHECK(suggested_path(session, ExportKind::Telemetry) == "/data/h200.telemetry.json");
    session.path = (find_asset("sessions") / "OLMoE-1B-7B.moescope").string();
    CHECK(suggested_path(session, ExportKind::Report).ends_with("/OLMoE-1B-7B.html"));
    CHECK_FALSE(ships_with_program(suggested_path(session, ExportKind::Report)));
    CHECK_FALSE(ships_with_program(save_question(session).start));
    CHECK(ships_with_program(session.path));
    CHECK(date_text(0).empty());
    CHECK(date_text(1'700'000'000'000'000'000).size() == 16);
}
