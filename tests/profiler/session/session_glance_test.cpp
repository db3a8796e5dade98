#include "profiler/session/session_glance.h"

#include "profiler/session/session_file.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace moescope;

TEST_CASE("a glance at a session file tells its models, its time and whether tiles were tuned") {
    const test::TemporaryFolder folder;
    for (const SessionPtr &session : {test::sample_session(), test::small_session()}) {
        REQUIRE(save_session(*session, folder / "a.moescope").ok());
        const Result<SessionGlance> glance = glance_at_session(folder / "a.moescope");
        REQUIRE(glance.ok());
        REQUIRE(glance->models.size() == session->runs.size());
        std::int64_t latest = 0;
        for (std::size_t i = 0; i < session->runs.size(); ++i) {
            CHECK(glance->models[i] == session->runs[i].plan.workload.model.name);
            latest = std::max(latest, session->runs[i].started_ns);
        }
        CHECK(glance->started_ns == latest);
        CHECK(glance->tuned == !session->candidates.empty());
        CHECK(glance->ranks == 0);
        const DeviceInfo &device = session->runs[0].device;
        CHECK(glance->device == (device.is_cpu() ? "cpu" : device.name));
    }
}

TEST_CASE("a glance at a session file tells how many ranks ran together") {
    const test::TemporaryFolder folder;
    Session session = *test::small_session();
    RunRecord run = session.runs[0];
    run.plan.ranks.emplace().size = 2;
    session.runs.set(0, run);
    REQUIRE(save_session(session, folder / "a.moescope").ok());
    CHECK(glance_at_session(folder / "a.moescope")->ranks == 2);
}

TEST_CASE("what is no session gets an error at a glance") {
    const test::TemporaryFolder folder;
    test::write_bytes(folder / "a.moescope", "no session");
    CHECK_FALSE(glance_at_session(folder / "a.moescope").ok());
    CHECK_FALSE(glance_at_session(folder / "none.moescope").ok());
}
