// Tuning on a fake GPU: its compiler and its times are scripted.
#include "profiler/worker/runner.h"
#include "profiler/worker/tuner.h"
#include "tests/profiler/client/small_plan.h"
#include "tests/profiler/worker/fake_device.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <unistd.h>

using namespace moescope;
using namespace moescope::testing;

namespace {

ms_status fake_default_config(const ms_scatter2scatter_args *, ms_tile_config *config) {
    *config = {64, 64, 32, 4, 3};
    return MS_OK;
}

// Stages tell what happens to a tile: 2 spills, 5 does not compile.
ms_status fake_compile(const ms_scatter2scatter_args *args, const char *, ms_tile_resources *resources) {
    if (args->config.stages == 5)
        return MS_COMPILE_ERROR;
    *resources = {};
    resources->threads = 32 * args->config.warps;
    resources->registers = 64;
    resources->spill_bytes = args->config.stages == 2 ? 16 : 0;
    resources->dynamic_smem_bytes = 4096;
    resources->compile_ms = 1;
    return MS_OK;
}

ms_status fake_scatter2scatter(const ms_scatter2scatter_args *args, ms_stream stream) {
    ms_scatter2scatter_args plain = *args;
    plain.config = {};
    return reference::scatter2scatter(&plain, stream);
}

struct TuneRun {
    std::filesystem::path file =
        std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "-tuner-test") / "tuned.json";
    FakeDevice device;
    CollectedEvents events;
    TunedConfigs tuned{file};
    std::atomic<bool> cancelled = false;

    TuneRun() {
        device.table.scatter2scatter_default_config = fake_default_config;
        device.table.scatter2scatter_compile = fake_compile;
        device.table.scatter2scatter = fake_scatter2scatter;
    }
    ~TuneRun() { std::filesystem::remove_all(file.parent_path()); }

    RunOutcome operator()(const Plan &plan) { return run_plan(device, plan, events, tuned, cancelled); }
    std::map<std::uint32_t, Candidate> final_candidates() const {
        std::map<std::uint32_t, Candidate> last;
        for (const auto &[number, candidate] : events.candidates)
            last[number] = candidate;
        return last;
    }
};

Plan tune_plan() {
    Plan plan = small_plan({"gate_up"});
    plan.device = "cuda:0";
    plan.check_results = false;
    std::erase_if(plan.items, [](const PlanItem &item) { return item.variant != "fused"; });
    plan.tune = plan.items;
    return plan;
}

} // namespace

TEST_CASE("every candidate ends with a fate, pruned and failed ones with a reason, one is the best") {
    TuneRun run;
    CHECK(run(tune_plan()).state == RunRecord::State::Done);
    int best = 0, timed = 0;
    const auto candidates = run.final_candidates();
    REQUIRE(candidates.size() > 3);
    for (const auto &[number, candidate] : candidates) {
        INFO(candidate.config.text());
        CHECK(number < candidates.size());
        if (candidate.fate == Candidate::Fate::Pruned || candidate.fate == Candidate::Fate::Failed)
            CHECK_FALSE(candidate.reason.empty());
        else
            CHECK(candidate.time.median > 0);
        if (candidate.config.stages == 2)
            CHECK(candidate.reason.find("spills 16 bytes") != std::string::npos);
        if (candidate.config.stages == 5)
            CHECK(candidate.fate == Candidate::Fate::Failed);
        best += candidate.fate == Candidate::Fate::Best;
        timed += candidate.fate == Candidate::Fate::Timed;
    }
    CHECK(best == 1);
    CHECK(timed > 0);
}

TEST_CASE("the fastest candidate is kept on disk and the next run uses it") {
    TuneRun run;
    const Plan plan = tune_plan();
    run.device.event_ns = [](std::int64_t launch) { return 10'000.0f - float(std::min<std::int64_t>(launch, 9000)); };
    run(plan);
    TileConfig best;
    for (const auto &[number, candidate] : run.final_candidates())
        if (candidate.fate == Candidate::Fate::Best)
            best = candidate.config;
    CHECK(run.events.measurements.back().tuned == "tuned");
    CHECK(run.events.measurements.back().config == best);

    TunedConfigs reread(run.file);
    const std::string key = tuning_key(plan.workload, OperatorId::GateUp, "fused", "Fake H200", kernels_version());
    REQUIRE(reread.find(key).has_value());
    CHECK(*reread.find(key) == best);
}

TEST_CASE("the number of candidates can be limited") {
    TuneRun run;
    Plan plan = tune_plan();
    plan.tune_max_candidates = 2;
    run(plan);
    CHECK(run.final_candidates().size() == 2);
}

TEST_CASE("a tuning can be cancelled, and stores nothing then") {
    TuneRun run;
    run.cancelled = true;
    CHECK(run(tune_plan()).state == RunRecord::State::Cancelled);
    CHECK_FALSE(std::filesystem::exists(run.file));
}

TEST_CASE("on the cpu tuning says that it does not apply, and the items run") {
    NameTable names;
    const auto device = make_cpu_device(describe_cpu(), names);
    CollectedEvents events;
    TunedConfigs tuned{""};
    const std::atomic<bool> cancelled = false;
    Plan plan = tune_plan();
    plan.device = "cpu";
    CHECK(run_plan(*device, plan, events, tuned, cancelled).state == RunRecord::State::Done);
    REQUIRE(events.failures.size() == 1);
    CHECK(events.failures[0].second.sentence().find("without tiles") != std::string::npos);
    CHECK(events.candidates.empty());
}
