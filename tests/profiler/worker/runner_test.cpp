// The runner's decisions, on a device whose times are scripted.
#include "profiler/worker/runner.h"
#include "profiler/tune/tuned_configs.h"
#include "profiler/worker/measure.h"
#include "profiler/worker/state_sampler.h"
#include "profiler/worker/tuner.h"
#include "tests/profiler/client/small_plan.h"
#include "tests/profiler/worker/fake_device.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

using namespace moescope;
using namespace moescope::testing;
using Catch::Approx;

namespace {

// One softmax_topk variant on the fake GPU.
Plan fake_plan() {
    Plan plan = small_plan({"softmax_topk"});
    plan.device = "cuda:0";
    plan.items.resize(1);
    plan.repetition = {};
    plan.repetition.max_seconds = 30;
    return plan;
}

struct Run {
    FakeDevice device;
    CollectedEvents events;
    TunedConfigs tuned{""};
    std::atomic<bool> cancelled = false;

    RunOutcome operator()(const Plan &plan) { return run_plan(device, plan, events, tuned, cancelled); }
    const Measurement &last() const { return events.measurements.back(); }
};

} // namespace

TEST_CASE("times come from the captured kernels, events are kept beside them") {
    Run run;
    CHECK(run(fake_plan()).state == RunRecord::State::Done);
    const Measurement &measurement = run.last();
    CHECK(measurement.timer == Measurement::Timer::Cupti);
    CHECK(measurement.time.median == Approx(1000));
    CHECK(measurement.event_time.median == Approx(1200));
    CHECK(measurement.kernel_ns == Approx(900));
    CHECK(measurement.gap_ns == Approx(100));
    CHECK(measurement.kernels_per_repetition == 2);
    CHECK(measurement.samples_ns.size() == measurement.event_samples_ns.size());
}

TEST_CASE("a measurement says what held the clocks back during any of its batches") {
    constexpr std::uint64_t kIdle = 0x1, kPowerCap = 0x4, kThermal = 0x40;
    Run run;
    run.device.event_ns = [](std::int64_t launch) { return launch % 2 ? 1000.0f : 2000.0f; }; // many batches
    int asked = 0;
    run.device.event_reasons = [&] { return ++asked == 1 ? kThermal : asked == 2 ? kPowerCap : kIdle; };
    run(fake_plan());
    REQUIRE(asked > 2);
    CHECK(run.last().throttle == "power cap, thermal slowdown (hardware)");

    Run free;
    free.device.event_reasons = [] { return kIdle; };
    free(fake_plan());
    CHECK(free.last().throttle == "");
}

TEST_CASE("the device's state is recorded round a measurement, and what it says counts as its throttling") {
    std::atomic<std::int64_t> asked = 0;
    Run run;
    run.device.state_now = [&] {
        DeviceStateRecord state;
        state.time_ns = ++asked;
        state.clock_event_reasons = asked == 2 ? 0x4 : 0; // once, while it runs
        return std::optional(state);
    };
    // Longer than the sampler waits between two looks.
    run.device.event_ns = [](std::int64_t) {
        std::this_thread::sleep_for(std::chrono::milliseconds(3));
        return 1000.0f;
    };
    run(fake_plan());
    REQUIRE(run.events.device_states.size() >= 3);
    CHECK(std::int64_t(run.events.device_states.size()) == asked);
    for (std::size_t i = 0; i < run.events.device_states.size(); ++i)
        CHECK(run.events.device_states[i].time_ns == std::int64_t(i + 1));
    CHECK(run.last().throttle == "power cap");
}

TEST_CASE("what held the clocks back only before or after a measurement does not count") {
    const auto with = [](std::uint64_t reasons) {
        DeviceStateRecord state;
        state.clock_event_reasons = reasons;
        return state;
    };
    CHECK(reasons_meanwhile({}) == 0);
    CHECK(reasons_meanwhile({with(4)}) == 0);
    CHECK(reasons_meanwhile({with(4), with(8)}) == 0);
    CHECK(reasons_meanwhile({with(4), with(0x20), with(1), with(8)}) == 0x21);
}

TEST_CASE("steady times stop at the minimum, noisy ones go on to the maximum") {
    Plan plan = fake_plan();
    plan.repetition.min_samples = 12;
    plan.repetition.max_samples = 90;
    {
        Run steady;
        steady(plan);
        CHECK(steady.last().time.samples == 12);
    }
    {
        Run noisy;
        noisy.device.event_ns = [](std::int64_t launch) { return launch % 2 ? 1000.0f : 2000.0f; };
        noisy(plan);
        CHECK(noisy.last().time.samples == 90);
        CHECK(noisy.last().time.relative_ci() > plan.repetition.target_relative_ci);
    }
}

TEST_CASE("the stop rule: interval, most samples, most seconds, and never without a sample") {
    const Repetition rule{.min_samples = 10, .max_samples = 100, .target_relative_ci = 0.01, .max_seconds = 2};
    Summary tight;
    tight.median = tight.ci_low = tight.ci_high = 100;
    Summary wide = tight;
    wide.ci_high = 110;
    auto with = [](Summary summary, std::size_t samples) {
        summary.samples = samples;
        return summary;
    };
    CHECK_FALSE(enough_samples(rule, with(tight, 9), 0.1));
    CHECK(enough_samples(rule, with(tight, 10), 0.1));
    CHECK_FALSE(enough_samples(rule, with(wide, 99), 0.1));
    CHECK(enough_samples(rule, with(wide, 100), 0.1));
    CHECK(enough_samples(rule, with(wide, 1), 2.0));
    CHECK_FALSE(enough_samples(rule, with(wide, 0), 99.0));
}

TEST_CASE("repetitions are tagged in order, warm-ups with -1, and the L2 is flushed before each when cold") {
    Plan plan = fake_plan();
    plan.repetition.warmup = 2;
    Run run;
    run(plan);
    REQUIRE(run.device.repetitions.size() == 12);
    for (std::size_t i = 0; i < run.device.repetitions.size(); ++i) {
        CHECK(run.device.repetitions[i].measurement == MeasurementId{0});
        CHECK(run.device.repetitions[i].repetition == std::max(-1, int(i) - 2));
    }
    CHECK(run.device.cold == 12);
    // Kernels of warm-ups are in the records but in no sample.
    CHECK(run.events.kernels.size() == 2 * 12);
    CHECK(run.last().samples_ns.size() == 10);

    Run warm;
    plan.cache = CacheState::Warm;
    warm(plan);
    CHECK(warm.device.cold == 0);
}

TEST_CASE("a refused capture steps down to events and says why") {
    Run run;
    run.device.capture_refused = true;
    CHECK(run(fake_plan()).state == RunRecord::State::Done);
    CHECK(run.last().timer == Measurement::Timer::CudaEvents);
    CHECK(run.last().time.median == Approx(1200));
    CHECK(run.last().kernels_per_repetition == 0);
    REQUIRE(run.events.logs.size() == 1);
    CHECK(run.events.logs[0].find("another profiler") != std::string::npos);
    CHECK(run.events.failures.empty());
}

TEST_CASE("a capture that gives nothing steps down to events") {
    Run run;
    run.device.capture_gives_nothing = true;
    run(fake_plan());
    CHECK(run.last().timer == Measurement::Timer::CudaEvents);
    CHECK(run.last().samples_ns == run.last().event_samples_ns);
}

TEST_CASE("results are compared with the CPU reference where the work is small") {
    Run run;
    Plan plan = fake_plan();
    plan.items = small_plan({"softmax_topk"}).items;
    run(plan);
    for (const Measurement &measurement : run.events.measurements)
        if (measurement.state == Measurement::State::Done) {
            CHECK(measurement.reference == "cpu reference");
            CHECK(measurement.relative_error == 0); // the fake runs the reference itself
        }
}

TEST_CASE("a grouped product too large for the reference is checked on a few rows, each variant") {
    Run run;
    Plan plan = small_plan({"gate_up", "down"});
    plan.workload.model.hidden = 512;
    plan.workload.model.intermediate = 512;
    plan.workload.tokens = 1300; // 2.7 GFLOP of gate_up
    plan.repetition = {.warmup = 1, .min_samples = 1, .max_samples = 1};
    plan.items = {{OperatorId::GateUp, "fused", {}}, {OperatorId::GateUp, "split", {}}};
    run(plan);
    std::vector<Measurement> done;
    for (const Measurement &measurement : run.events.measurements)
        if (measurement.state == Measurement::State::Done)
            done.push_back(measurement);
    REQUIRE(done.size() == 2);
    CHECK(done[0].reference == "cpu reference, 16 rows");
    CHECK(done[0].relative_error == 0);
    CHECK(done[1].reference == "fused");
    CHECK(done[1].relative_error < 0.01);
}

TEST_CASE("a repetition with a dropped record is no sample") {
    Run run;
    run.device.incomplete_launch = 6;
    run(fake_plan());
    CHECK(run.last().kernels_per_repetition == 2);
    CHECK(run.last().time.minimum == Approx(1000));
    CHECK(run.last().samples_ns.size() + 1 == run.last().event_samples_ns.size());
}

TEST_CASE("a variant that writes nothing does not agree with what another one left") {
    Run run;
    run.device.table.topk = [](const ms_topk_args *args, ms_stream stream) {
        return args->variant == MS_TOPK_SCALAR ? ms_status(MS_OK) : reference::topk(args, stream);
    };
    Plan plan = fake_plan();
    plan.items = {{OperatorId::SoftmaxTopk, "warp_bitonic", {}}, {OperatorId::SoftmaxTopk, "scalar", {}}};
    run(plan);
    CHECK(run.last().variant == "scalar");
    CHECK(run.last().relative_error == 1);
}

TEST_CASE("a variant's peak does not hold what another one needed") {
    Run run;
    Plan plan = fake_plan();
    plan.workload.tokens = 1; // two of eight experts
    plan.items = {{OperatorId::SelectiveDequant, "full", {}}, {OperatorId::SelectiveDequant, "selective", {}}};
    run(plan);
    std::int64_t full = 0, selective = 0;
    for (const Measurement &measurement : run.events.measurements)
        if (measurement.state == Measurement::State::Done)
            (measurement.variant == "full" ? full : selective) = measurement.peak_bytes;
    CHECK(selective > 0);
    CHECK(full - selective == 6 * 64 * 64 * 2); // six experts' weights
}

TEST_CASE("selective and full dequantisation agree in every format") {
    for (int format = 0; format < kQuantFormatCount; ++format) {
        CAPTURE(name_of(QuantFormat(format)));
        Run run;
        Plan plan = fake_plan();
        plan.workload.tokens = 1; // two of eight experts
        plan.workload.quant_format = QuantFormat(format);
        const auto items = plan_items(plan.workload, {"selective_dequant"}, {});
        REQUIRE(items);
        plan.items = *items;
        run(plan);
        int done = 0;
        for (const Measurement &measurement : run.events.measurements)
            if (measurement.state == Measurement::State::Done) {
                CHECK(measurement.relative_error == 0);
                ++done;
            }
        CHECK(done == int(items->size()));
    }
}

TEST_CASE("a wrong result is seen") {
    Run run;
    run.device.table.topk = [](const ms_topk_args *args, ms_stream stream) {
        const ms_status status = reference::topk(args, stream);
        args->ids[0] = (args->ids[0] + 1) % args->experts;
        return status;
    };
    run(fake_plan());
    CHECK(run.last().state == Measurement::State::Done);
    CHECK(run.last().relative_error == 1);
}

TEST_CASE("a cancelled run ends between repetitions and starts no further item") {
    Run run;
    Plan plan = fake_plan();
    plan.items.push_back(plan.items.front());
    plan.repetition.min_samples = plan.repetition.max_samples = 100'000;
    run.events.on_measurement = [&](const Measurement &measurement) {
        if (!measurement.samples_ns.empty())
            run.cancelled = true;
    };
    CHECK(run(plan).state == RunRecord::State::Cancelled);
    CHECK(run.last().state == Measurement::State::Cancelled);
    CHECK(run.last().samples_ns.size() < 100'000);
    for (const Tag &tag : run.device.repetitions)
        CHECK(tag.measurement == MeasurementId{0});
}

TEST_CASE("an item that fails does not end the run") {
    Run run;
    Plan plan = fake_plan();
    plan.items = small_plan({"softmax_topk", "route_metadata"}).items;
    run.device.table.route_metadata = [](const ms_route_metadata_args *args, ms_stream stream) {
        // The routing itself is made without a schedule: only the operator under test fails.
        return args->block_rows > 0 ? ms_status(MS_CUDA_ERROR) : reference::route_metadata(args, stream);
    };
    const RunOutcome outcome = run(plan);
    CHECK(outcome.state == RunRecord::State::Done);
    CHECK_FALSE(outcome.device_lost);
    CHECK(run.last().op == OperatorId::RouteMetadata);
    CHECK(run.last().state == Measurement::State::Failed);
    CHECK_FALSE(run.last().failure.what.empty());
    REQUIRE(run.events.failures.size() == 1);
    CHECK(run.events.failures[0].first == "route_metadata/counting_sort");
}

TEST_CASE("a lost device ends the run at once") {
    Run run;
    Plan plan = fake_plan();
    plan.items.push_back(plan.items.front());
    static FakeDevice *device = nullptr; // kernel calls carry no user data
    device = &run.device;
    run.device.table.topk = [](const ms_topk_args *args, ms_stream stream) {
        if (!device->repetitions.empty()) {
            device->lost = true;
            return ms_status(MS_CUDA_ERROR);
        }
        return reference::topk(args, stream);
    };
    const RunOutcome outcome = run(plan);
    CHECK(outcome.device_lost);
    CHECK(outcome.error.why.find("illegal memory access") != std::string::npos);
    CHECK(run.device.repetitions.size() == 1);
}

TEST_CASE("progress never goes back and everything allocated is freed") {
    Run run;
    Plan plan = fake_plan();
    plan.items = plan_items(plan.workload, {}, {}).value();
    plan.repetition.max_samples = 10;
    run(plan);
    CHECK(std::is_sorted(run.events.fractions.begin(), run.events.fractions.end()));
    CHECK(run.device.live_bytes() == 0);
}

TEST_CASE("an edited item alone is launched from the edited sources, and is named so in its measurement") {
    const std::vector<SourceFile> edits = {{"scatter2scatter.jit.cu", "text"}};
    Plan plan = fake_plan();
    plan.items = {{OperatorId::GateUp, "base", {}}, {OperatorId::GateUp, "fused", {}}};
    plan.items.insert(plan.items.begin() + 1, {OperatorId::GateUp, "base (edited)", {}});
    plan.edits = edits;
    Run run;
    std::vector<std::vector<SourceFile>> sources; // of each repetition
    run.device.event_ns = [&](std::int64_t) {
        sources.push_back(run.device.sources);
        return 1000.0f;
    };
    CHECK(run(plan).state == RunRecord::State::Done);
    CHECK(run.device.sources.empty());
    REQUIRE(run.device.repetitions.size() == sources.size());
    for (std::size_t i = 0; i < sources.size(); ++i)
        CHECK(sources[i] == (run.device.repetitions[i].measurement.value == 1 ? edits : std::vector<SourceFile>{}));
    const auto edited = std::ranges::find(run.events.measurements, "base (edited)", &Measurement::variant);
    REQUIRE(edited != run.events.measurements.end());
    CHECK(std::ranges::find_if(run.events.measurements, [](const Measurement &m) {
              return m.variant == "base (edited)" && m.state == Measurement::State::Done && m.relative_error == 0;
          }) != run.events.measurements.end());
}

TEST_CASE("what the tuner knows of a variant is left as it was by its edited kernel") {
    Plan plan = fake_plan();
    plan.items = {{OperatorId::GateUp, "base (edited)", {}}};
    plan.edits = {{"scatter2scatter.jit.cu", "text"}};
    Run run;
    const std::string key = tuning_key(plan.workload, OperatorId::GateUp, "base", run.device.info().name, kernels_version());
    CHECK(run(plan).state == RunRecord::State::Done);
    CHECK_FALSE(run.tuned.find(key).has_value());
}

TEST_CASE("the tuner's choice runs as the variant and the tile that the tuner found, or is refused") {
    Plan plan = fake_plan();
    plan.items = {{OperatorId::GateUp, "tuned", {}}};
    Run run;
    CHECK(run(plan).state == RunRecord::State::Failed);
    CHECK(run.last().failure.why.find("the tuner has found nothing for this shape") == 0);
    const TileConfig tile{64, 128, 32, 4, 3};
    const auto key = [&](const char *variant) {
        return tuning_key(plan.workload, OperatorId::GateUp, variant, run.device.info().name, kernels_version());
    };
    (void)run.tuned.store(key("split"), tile, 200);
    (void)run.tuned.store(key("fused"), {128, 128, 32, 4, 3}, 300);
    CHECK(run(plan).state == RunRecord::State::Done);
    CHECK(run.last().variant == "tuned");
    CHECK(run.last().tuned == "tuned: split");
    CHECK(run.last().config == tile);
}

TEST_CASE("the tile kernels of a plan are compiled before anything is timed, but no edited or unknown ones") {
    static std::atomic<int> compiled, lora, tiles; // the table has plain functions
    compiled = lora = tiles = 0;
    Plan plan = fake_plan();
    plan.items.push_back({OperatorId::GateUp, "base (edited)", {}});
    plan.items.push_back({OperatorId::GateUp, "base", {64, 128, 32, 4, 3}});
    plan.items.push_back({OperatorId::GateUp, "tuned", {}});
    plan.items.push_back({OperatorId::Down, "split", {}});
    plan.edits = {{"scatter2scatter.jit.cu", "text"}};
    Run run;
    run.device.table.scatter2scatter_compile = [](const ms_scatter2scatter_args *call, const char *arch, ms_tile_resources *) {
        ++compiled;
        lora += call->rank > 0 && call->variant == MS_S2S_SPLIT;
        tiles += call->config.block_m == 64;
        return ms_status(std::string(arch) == "sm_90a" ? MS_OK : MS_UNSUPPORTED);
    };
    int at_first_launch = -1;
    run.device.event_ns = [&](std::int64_t) {
        if (at_first_launch < 0)
            at_first_launch = compiled;
        return 1000.0f;
    };
    run(plan);
    CHECK(at_first_launch == 2);
    CHECK(compiled == 2);
    CHECK(lora == 1);
    CHECK(tiles == 1);
}

TEST_CASE("sources that a device does not take fail the edited item alone") {
    Plan plan = fake_plan();
    plan.items = {{OperatorId::GateUp, "base", {}}, {OperatorId::GateUp, "base (edited)", {}}};
    plan.edits = {{"scatter2scatter.jit.cu", "text"}};
    Run run;
    run.device.sources_refused = true;
    CHECK(run(plan).state == RunRecord::State::Done);
    CHECK(run.last().state == Measurement::State::Failed);
    CHECK(run.last().variant == "base (edited)");
    REQUIRE(run.events.failures.size() == 1);
    CHECK(run.events.failures[0].first == "gate_up/base (edited)");
}
