#include "profiler/session/session_builder.h"
#include "profiler/sweep/found_sweep.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

namespace {

RunId add_run(SessionBuilder &builder, const Workload &workload, const char *device = "cuda:0") {
    RunRecord run;
    run.plan.workload = workload;
    run.device.id = device;
    return builder.add_run(run);
}

MeasurementId add(SessionBuilder &builder, RunId run, const char *variant, double ns,
                  Measurement::State state = Measurement::State::Done) {
    Measurement m{.run = run, .op = OperatorId::GateUp, .variant = variant, .state = state};
    m.samples_ns.assign(10, float(ns));
    m.time = summarize(m.samples_ns);
    return builder.add_measurement(m);
}

Workload with(std::int64_t tokens, std::int32_t rank = 16) {
    Workload workload;
    workload.model.name = "Mixtral-8x7B";
    workload.tokens = tokens;
    workload.lora_rank = rank;
    return workload;
}

} // namespace

TEST_CASE("runs that differ in one parameter are a sweep, in whatever order they ran") {
    SessionBuilder builder("");
    for (const std::int64_t tokens : {512, 1, 64, 8})
        add(builder, add_run(builder, with(tokens)), "fused", double(tokens));
    const auto sweeps = find_sweeps(builder.current());
    REQUIRE(sweeps.size() == 1);
    CHECK(sweeps[0].parameter->name == "tokens");
    REQUIRE(sweeps[0].points.size() == 4);
    const char *values[] = {"1", "8", "64", "512"};
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(sweeps[0].points[i].value == values[i]);
    CHECK(sweeps[0].held == "Mixtral-8x7B, rank 16, uniform, on cuda:0");
    const auto lines = sweep_lines(builder.current(), sweeps[0]);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].points.front().id.value == 1); // of one token
}

TEST_CASE("two axes are a sweep along each for every value of the other") {
    SessionBuilder builder("");
    for (const std::int64_t tokens : {1, 8, 64})
        for (const std::int32_t rank : {0, 16})
            add_run(builder, with(tokens, rank));
    const auto sweeps = find_sweeps(builder.current());
    REQUIRE(sweeps.size() == 5);
    CHECK(sweeps[0].parameter->name == "tokens"); // the longest ones first
    CHECK(sweeps[1].parameter->name == "tokens");
    CHECK(sweeps[2].parameter->name == "rank");
    CHECK(sweeps[0].held != sweeps[1].held);
}

TEST_CASE("other devices and cache states are no part of a sweep") {
    SessionBuilder builder("");
    add_run(builder, with(1));
    add_run(builder, with(8), "cuda:1");
    CHECK(find_sweeps(builder.current()).empty());
    CHECK(find_sweeps(Session{}).empty());
    CHECK(find_sweeps(*test::sample_session()).size() <= 1);
}

TEST_CASE("a changed shape's name does not part a sweep of its experts") {
    SessionBuilder builder("");
    Workload changed = with(64);
    changed.model.experts = 16;
    changed.model.name = "Mixtral-8x7B (changed)";
    add_run(builder, with(64));
    add_run(builder, changed);
    const auto sweeps = find_sweeps(builder.current());
    REQUIRE(sweeps.size() == 1);
    CHECK(sweeps[0].parameter->name == "experts");
}

TEST_CASE("at each point the last measurement that is done counts, and a failed point leaves a gap") {
    SessionBuilder builder("");
    add(builder, add_run(builder, with(1)), "fused", 10);
    const MeasurementId again = add(builder, add_run(builder, with(1)), "fused", 20);
    add(builder, add_run(builder, with(8)), "fused", 30, Measurement::State::Failed);
    add(builder, add_run(builder, with(64)), "fused", 40);
    const auto sweeps = find_sweeps(builder.current());
    REQUIRE(sweeps.size() == 1);
    REQUIRE(sweeps[0].points.size() == 3);
    const auto lines = sweep_lines(builder.current(), sweeps[0]);
    REQUIRE(lines.size() == 1);
    REQUIRE(lines[0].points.size() == 2);
    CHECK(lines[0].points[0].id == again);
    CHECK(lines[0].points[1].at == 2);
}

TEST_CASE("words and skews of two kinds have no common scale; skews of one kind have") {
    const auto sweep_of = [](std::vector<const char *> skews) {
        SessionBuilder builder("");
        for (const char *skew : skews) {
            Workload workload = with(64);
            workload.skew = *parse_skew(skew);
            add(builder, add_run(builder, workload), "fused", 10);
        }
        return find_sweeps(builder.current()).front();
    };
    const FoundSweep one = sweep_of({"zipf:1", "uniform", "zipf:0.5"});
    CHECK(one.numeric);
    CHECK(one.points[0].value == "uniform");
    CHECK(one.points[1].x == 0.5);
    const FoundSweep both = sweep_of({"zipf:1", "hot:0.5", "uniform"});
    CHECK_FALSE(both.numeric);
    CHECK(both.points[1].value == "hot:0.5"); // as they ran
}

TEST_CASE("a step along a sweep is named with where it is and how large") {
    SessionBuilder builder("");
    for (const std::int64_t tokens : {1, 2, 4, 8, 16, 32})
        add(builder, add_run(builder, with(tokens)), "fused", tokens >= 8 ? 20 : 10);
    const FoundSweep sweep = find_sweeps(builder.current()).front();
    const auto lines = sweep_lines(builder.current(), sweep);
    REQUIRE(lines.front().steps.size() == 1);
    CHECK(sentence_of(sweep, lines.front(), lines.front().steps.front()) ==
          "gate_up/fused takes 2.00× from tokens 4 to 8; the trend around it explains 1.00×");
}
