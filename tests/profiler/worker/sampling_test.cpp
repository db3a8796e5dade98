// Sampling passes, on a device whose samples are scripted.
#include "profiler/worker/runner.h"
#include "profiler/worker/sampling_pass.h"
#include "tests/profiler/client/small_plan.h"
#include "tests/profiler/worker/fake_device.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace moescope;
using namespace moescope::testing;

namespace {

struct Run {
    FakeDevice device;
    CollectedEvents events;
    TunedConfigs tuned{""};
    std::atomic<bool> cancelled = false;

    RunOutcome operator()(const Plan &plan) { return run_plan(device, plan, events, tuned, cancelled); }
};

// Two variants of one operator.
Plan sampled_plan() {
    Plan plan = small_plan({"softmax_topk"});
    plan.device = "cuda:0";
    plan.items.resize(2);
    plan.sampled = {"sm__cycles_active.avg", "dram__bytes_read.sum"};
    return plan;
}

// One sample an interval from a second before `start` until a second after `end`.
PmReading steady_samples(std::int64_t start_ns, std::int64_t end_ns, std::int64_t interval_ns) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    PmReading reading;
    for (std::int64_t at = start_ns - kSecond; at < end_ns + kSecond; at += interval_ns)
        reading.samples.push_back({at, at + interval_ns, {50, 4096}});
    return reading;
}

std::vector<PmSample> samples_at(std::initializer_list<std::int64_t> starts) {
    std::vector<PmSample> samples;
    for (const std::int64_t start : starts)
        samples.push_back({start, start + 10, {}});
    return samples;
}

std::vector<std::int64_t> starts_of(const std::vector<PmSample> &samples) {
    std::vector<std::int64_t> starts;
    for (const PmSample &sample : samples)
        starts.push_back(sample.start_ns);
    return starts;
}

} // namespace

TEST_CASE("an item is launched often enough for some tens of milliseconds, and no longer than samples are kept") {
    CHECK(launches_of(1e6, 1e9) == 20);
    CHECK(launches_of(19e6, 1e9) == 3);
    CHECK(launches_of(500e6, 1e9) == 2);
    CHECK(launches_of(5e9, 1e9) == 1);
    CHECK(launches_of(0, 1e9) == 5000);
    CHECK(launches_of(1e5, sampled_ns(1'000)) < launches_of(1e5, sampled_ns(20'000)));
    CHECK(sampled_ns(20'000) < double(kMostPmSamples) * 20'000);
}

TEST_CASE("samples of the idle device before and after the launches are left out but for two") {
    const std::vector<PmSample> all = samples_at({0, 10, 20, 30, 40, 50, 60, 70, 80, 90});
    CHECK(starts_of(within(all, 45, 58)) == std::vector<std::int64_t>{20, 30, 40, 50, 60, 70});
    CHECK(starts_of(within(all, 5, 200)) == starts_of(all));
    CHECK(starts_of(within(samples_at({0, 10}), 500, 600)) == std::vector<std::int64_t>{0, 10});
    CHECK(within({}, 0, 10).empty());
}

TEST_CASE("counters are sampled after everything was timed, and no time comes from those launches") {
    Run run;
    run.device.pm_samples = [](std::int64_t start, std::int64_t end) { return steady_samples(start, end, 1'000'000); };
    const Plan plan = sampled_plan();
    CHECK(run(plan).state == RunRecord::State::Done);
    const auto sampled = [](const Tag &tag) { return tag.repetition == kSampledRepetition; };
    const auto &tags = run.device.repetitions;
    const auto first = std::ranges::find_if(tags, sampled);
    REQUIRE(std::count_if(first, tags.end(), sampled) == 2); // one sequence an item, and nothing else after it
    CHECK(tags.end() - first == 2);
    CHECK(first->measurement == MeasurementId{0});
    CHECK((first + 1)->measurement == MeasurementId{1});
    for (const Measurement &measurement : run.events.measurements)
        if (measurement.state == Measurement::State::Done)
            CHECK(measurement.samples_ns.size() == measurement.event_samples_ns.size());
    // The fake's kernels are in the timeline, as of a sampled launch.
    CHECK(std::ranges::any_of(run.events.kernels, [&](const KernelRecord &kernel) { return sampled(kernel.tag); }));

    REQUIRE(!run.events.pm_samples.empty());
    CHECK(run.events.pm_samples.size() % 2 == 0); // both metrics of every sample
    CHECK(run.events.pm_samples.size() < 2000);   // not the seconds round it
    CHECK(run.device.names.all()[run.events.pm_samples[0].metric.value] == plan.sampled[0]);
    CHECK(run.events.pm_samples[0].value == 50);
    CHECK(run.device.names.all()[run.events.pm_samples[1].metric.value] == plan.sampled[1]);
    CHECK(run.events.pm_samples[1].value == 4096);
    CHECK(run.events.failures.empty());
}

TEST_CASE("a choice that one pass cannot sample fails by itself, and the times are measured") {
    Run run;
    run.device.pm_samples = [](std::int64_t, std::int64_t) { return PmReading{}; };
    run.device.choice_refused = "together they need 3 passes, and sampling over time has one";
    CHECK(run(sampled_plan()).state == RunRecord::State::Done);
    REQUIRE(run.events.failures.size() == 1);
    CHECK(run.events.failures[0].first == kPmSampling);
    CHECK(run.events.failures[0].second.why == run.device.choice_refused);
    CHECK(run.events.pm_samples.empty());
}

TEST_CASE("a device that cannot be sampled is said to be so, and is no failure") {
    Run run;
    Plan plan = sampled_plan();
    plan.pc_sampling = true;
    CHECK(run(plan).state == RunRecord::State::Done);
    CHECK(run.events.failures.empty());
    REQUIRE(run.events.logs.size() == 2);
    CHECK(run.events.logs[0].find(kPmSampling) != std::string::npos);
    CHECK(run.events.logs[1].find(kPcSampling) != std::string::npos);
}

TEST_CASE("sampled instructions belong to the item that was launched") {
    Run run;
    run.device.pc_samples = [] {
        PcReading reading;
        reading.total = 70;
        reading.samples = {{.pc_offset = 0x1b0, .line = 12, .samples = 60}, {.pc_offset = 0x1c0, .line = 13, .samples = 10}};
        return reading;
    };
    Plan plan = sampled_plan();
    plan.sampled.clear();
    plan.pc_sampling = true;
    CHECK(run(plan).state == RunRecord::State::Done);
    REQUIRE(run.events.pc_samples.size() == 4);
    CHECK(run.events.pc_samples[0].measurement == MeasurementId{0});
    CHECK(run.events.pc_samples[1].measurement == MeasurementId{0});
    CHECK(run.events.pc_samples[2].measurement == MeasurementId{1});
    CHECK(run.events.pc_samples[3].pc_offset == 0x1c0);
}

TEST_CASE("nothing is sampled in a run that was cancelled or lost its device") {
    Run run;
    run.device.pm_samples = [](std::int64_t, std::int64_t) { return PmReading{}; };
    run.events.on_measurement = [&](const Measurement &measurement) {
        run.cancelled = run.cancelled || measurement.state == Measurement::State::Done;
    };
    CHECK(run(sampled_plan()).state == RunRecord::State::Cancelled);
    CHECK(std::ranges::none_of(run.device.repetitions,
                               [](const Tag &tag) { return tag.repetition == kSampledRepetition; }));
}
