#include "app/views/ranks.h"

#include "app/views/measurement_text.h"
#include "app/views/timeline_model.h"
#include "app/views/workload.h"
#include "profiler/session/session_builder.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

namespace {

MeasurementId add(SessionBuilder &builder, OperatorId op, const char *variant, double median_ns) {
    Measurement measurement;
    measurement.op = op;
    measurement.variant = variant;
    measurement.time.median = median_ns;
    return builder.add_measurement(measurement);
}

DeviceInfo device_of(const char *id) {
    DeviceInfo device;
    device.id = id;
    return device;
}

} // namespace

TEST_CASE("a rank's time is split by its three steps, with the layer beside them") {
    SessionBuilder builder("ranks");
    std::vector<RankStep> steps;
    const auto step = [&](OperatorId op, const char *variant, double first, double second) {
        RankStep one;
        one.op = op;
        one.variant = variant;
        one.measurements = {add(builder, op, variant, first), add(builder, op, variant, second)};
        steps.push_back(one);
    };
    step(OperatorId::EpDispatch, "counts_first", 10, 20);
    step(OperatorId::EpDispatch, "known_counts", 1, 2);
    step(OperatorId::EpExperts, "base", 100, 300);
    step(OperatorId::EpCombine, "base", 7, 8);
    step(OperatorId::EpLayer, "counts_first", 330, 331);
    const auto splits = rank_splits(builder.current(), steps, 2);
    REQUIRE(splits.size() == 2);
    CHECK(splits[0].steps_ns == std::array<double, 3>{10, 100, 7});
    CHECK(splits[1].steps_ns == std::array<double, 3>{20, 300, 8});
    CHECK(splits[1].total_ns() == 328);
    CHECK(splits[0].layer_ns == 330);
}

TEST_CASE("the timeline's tracks of several ranks are named by them") {
    Session session;
    for (const std::int32_t rank : {0, 1}) {
        RunRecord run;
        run.plan.ranks = MeetingPlace{rank, 2, "", 0, ""};
        run.device = device_of("cuda:0");
        run.device.worker_process = 4711 + std::uint32_t(rank);
        session.runs.push_back(run);
    }
    CHECK(label_of(session, {TrackKind::Kernels, 1, 13}) == "Rank 1, stream 13");
    CHECK(label_of(session, {TrackKind::Copies, 0, 13}) == "Rank 0, copies of 13");
    CHECK(label_of(session, {TrackKind::Api, 4712, 9}) == "Rank 1, thread 9");
    CHECK(label_of(session, {TrackKind::Api, 99, 9}) == label_of(TrackKey{TrackKind::Api, 99, 9}));
    CHECK(label_of(Session{}, {TrackKind::Kernels, 1, 13}) == "GPU 1, stream 13");
}

TEST_CASE("runs of several GPUs are told apart by their device") {
    Session session;
    for (const char *id : {"cuda:0", "cuda:1"}) {
        RunRecord run;
        run.plan.workload.model.name = "OLMoE-1B-7B";
        run.plan.workload.tokens = 16;
        run.device = device_of(id);
        session.runs.push_back(run);
    }
    CHECK(run_label(session, 1) == "2 of 2: OLMoE-1B-7B, T 16, cuda:1");
    CHECK(workload_label(session, 0) == "OLMoE-1B-7B, T 16, cuda:0");
    Session alone;
    alone.runs.push_back(session.runs[0]);
    CHECK(workload_label(alone, 0) == "OLMoE-1B-7B, T 16");
}

TEST_CASE("every GPU means a plan for each, and the first for what is only tried") {
    const std::vector<DeviceInfo> devices = {device_of("cuda:0"), device_of("cuda:1"), device_of("cpu")};
    WorkloadState state;
    state.device = kEveryGpu;
    CHECK(chosen_device(devices, state.device)->id == "cuda:0");
    const Result<Plan> plan = make_plan(state, true);
    REQUIRE(plan);
    CHECK(plan->device == "cuda:0");
    const std::vector<Plan> plans = on_every_gpu(*plan, devices);
    REQUIRE(plans.size() == 2);
    CHECK(plans[0].device == "cuda:0");
    CHECK(plans[1].device == "cuda:1");
    CHECK(plans[1].items == plan->items);
}

TEST_CASE("a run of several ranks lends its workload, but ticks nothing that one worker cannot run") {
    WorkloadState state;
    const auto wanted = state.wanted;
    Plan plan;
    plan.workload.tokens = 77;
    plan.ranks = MeetingPlace{};
    plan.items = {{OperatorId::EpLayer, "known_counts", {}}};
    take_over(state, plan);
    CHECK(state.workload.tokens == 77);
    CHECK(state.wanted == wanted);
}
