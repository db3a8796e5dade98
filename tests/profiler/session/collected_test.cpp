#include "profiler/session/collected.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

namespace {

Session run_with(const std::string &device, Measurement::Timer timer, bool wanted_counters, bool has_counters) {
    Session session;
    RunRecord run;
    run.device.id = device;
    run.device.capabilities = {{"cupti activity", "refused", "another profiler", "end it"},
                               {"hardware counters", "refused", "administrators only", "run as root"}};
    if (wanted_counters)
        run.plan.counters = {"a.sum"};
    session.runs.push_back(run);
    Measurement measurement;
    measurement.run = RunId{0};
    measurement.state = Measurement::State::Done;
    measurement.timer = timer;
    session.measurements.push_back(measurement);
    if (has_counters) {
        CounterRecord record;
        record.measurement = MeasurementId{0};
        session.counters.push_back(record);
    }
    return session;
}

} // namespace

TEST_CASE("a session says which collector stood in for which, and why, and nothing where all came") {
    using Timer = Measurement::Timer;
    CHECK(steps_down(run_with("cuda:0", Timer::Cupti, true, true), RunId{0}).empty());
    CHECK(steps_down(run_with("cuda:0", Timer::Cupti, false, false), RunId{0}).empty());
    const auto both = steps_down(run_with("cuda:0", Timer::CudaEvents, true, false), RunId{0});
    REQUIRE(both.size() == 2);
    CHECK(both[0] == "hardware counters were not read: administrators only; run as root; everything else of the plan was "
                     "carried out.");
    CHECK(both[1] == "times are CUDA events' instead of CUPTI's: another profiler; end it.");
    const auto cpu = steps_down(run_with("cpu", Timer::HostClock, true, false), RunId{0});
    REQUIRE(cpu.size() == 1);
    CHECK(cpu[0].starts_with("hardware counters were not read"));
}

TEST_CASE("samples that were asked for and could not be had are named, those whose choice failed are not") {
    Session session = run_with("cuda:0", Measurement::Timer::Cupti, false, false);
    RunRecord run = session.runs[0];
    run.plan.sampled = {"a.sum"};
    run.plan.pc_sampling = true;
    run.device.capabilities.push_back({kPmSampling, "ok", ""});
    run.device.capabilities.push_back({kPcSampling, "refused", "administrators only", "run as root"});
    session.runs = {};
    session.runs.push_back(run);
    const auto steps = steps_down(session, RunId{0});
    REQUIRE(steps.size() == 1);
    CHECK(steps[0] == "instructions were not sampled: administrators only; run as root; everything else of the plan was "
                      "carried out.");
}
