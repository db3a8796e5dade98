#include "profiler/explain/launch_floor.h"
#include "profiler/import/kineto.h"
#include "profiler/session/session_builder.h"
#include "profiler/session/session_file.h"

#include <catch2/catch_all.hpp>

#include <memory>
#include <utility>

using namespace moescope;

namespace {

// A run with a tiny operator and a large one, whose kernels take so long.
SessionPtr session_of(double tiny_ns, double launch_ns, const char *device = "cuda:0") {
    SessionBuilder builder("t");
    RunRecord run;
    run.device.id = device;
    run.device.ceilings = {1e12, 1e15, true, true};
    run.device.ceilings.launch_ns = launch_ns;
    run.device.ceilings.launch_measured_ns = launch_ns > 0 ? 1 : 0;
    const RunId id = builder.add_run(run);
    std::int64_t start = 1000;
    for (const auto &[took, floor] : {std::pair{tiny_ns, 12.0}, {80e3, 60e3}}) {
        Measurement m{.run = id, .state = Measurement::State::Done};
        m.time.median = took;
        m.floor_ns = floor;
        const MeasurementId measured = builder.add_measurement(m);
        builder.add(KernelRecord{.start_ns = start, .end_ns = start + std::int64_t(took), .tag = {measured, 0}});
        start += 200'000;
    }
    return std::make_shared<const Session>(builder.current());
}

} // namespace

TEST_CASE("a session that measured no launch takes its shortest kernel for one, and says that", "[floor]") {
    const Session session = with_launch_floors(*session_of(1500, 0));
    CHECK(session.runs[0].device.ceilings.launch_ns == 1500);
    CHECK(session.runs[0].device.ceilings.launch_measured_ns == 0);
    CHECK(launch_origin(session.runs[0].device.ceilings).find("derived") != std::string::npos);
    CHECK(session.measurements[0].floor_ns == 1500);
    CHECK(session.measurements[1].floor_ns == 60e3);
}

TEST_CASE("a launch is not derived where it was measured, from long kernels or for a CPU", "[floor]") {
    CHECK(with_launch_floors(*session_of(1500, 1400)).runs[0].device.ceilings.launch_ns == 1400);
    CHECK(with_launch_floors(*session_of(1500, 1400)).measurements[0].floor_ns == 12);
    CHECK(with_launch_floors(*session_of(50e3, 0)).runs[0].device.ceilings.launch_ns == 0);
    CHECK(with_launch_floors(*session_of(50e3, 0)).measurements[0].floor_ns == 12);
    CHECK(with_launch_floors(*session_of(1500, 0, "cpu")).measurements[0].floor_ns == 12);
}

TEST_CASE("tiny operators of the recorded sessions are not hundreds of times their floor", "[floor]") {
    const auto session = open_session(MOESCOPE_ASSETS "/sessions/OLMoE-1B-7B.moescope");
    REQUIRE(session.ok());
    int tiny = 0;
    for (const Measurement &m : session->measurements) {
        const Ceilings &ceilings = session->runs[m.run.value].device.ceilings;
        CHECK(m.floor_ns == Catch::Approx(floor_ns(m.cost, ceilings)));
        if (m.op != OperatorId::SoftmaxTopk && m.op != OperatorId::RouteMetadata)
            continue;
        ++tiny;
        CHECK(floor_of(m.cost, ceilings).by == Bound::Launch);
        if (m.variant != "scalar")
            CHECK(m.times_floor() < 10);
    }
    CHECK(tiny >= 3);
}
