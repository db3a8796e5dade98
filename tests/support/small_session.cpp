#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <cstdint>
#include <limits>

namespace moescope::test {

namespace {

constexpr std::int64_t kStart = 1'790'000'000'000'000'000;
constexpr const char *kOddName = "odd \"kernel\", with a\nline break, a back\\slash and µ<T, 3>";

Summary summary(std::size_t samples, double median) {
    return {samples,     median - 2.5,   median - 1.25, median,       median + 1.5,
            median + 12, median + 0.125, median - 0.5,  median + 0.75};
}

RunRecord tiny_run(const char *model, const char *device_id) {
    RunRecord run;
    run.plan.workload.model.name = model;
    run.plan.workload.model.experts = 4;
    run.plan.workload.model.hidden = 64;
    run.plan.workload.model.intermediate = 32;
    run.plan.workload.tokens = 6;
    run.plan.device = device_id;
    run.plan.items = {{OperatorId::GateUp, "fused", {64, 64, 32, 4, 3}}};
    run.device.id = device_id;
    run.device.host = "lab";
    run.device.capabilities = {{"cupti activity", "refused", "no permission"}};
    run.started_ns = kStart;
    run.finished_ns = kStart + 90'000;
    run.state = RunRecord::State::Done;
    return run;
}

Measurement finished(RunId run) {
    Measurement m{.run = run,
                  .op = OperatorId::GateUp,
                  .variant = "fused",
                  .config = {64, 64, 32, 4, 3},
                  .state = Measurement::State::Done,
                  .timer = Measurement::Timer::Cupti,
                  .warmup = 1};
    m.samples_ns = {4'200.5f, 4'100.25f};
    m.event_samples_ns = {5'000.0f, 5'100.0f};
    m.time = summary(2, 4'150.375);
    m.event_time = summary(2, 5'050);
    m.kernel_ns = 4'150.375;
    m.kernels_per_repetition = 2;
    m.cost = {49'152, 98'304};
    m.floor_ns = 1'000.5;
    m.input_bytes = 40'960;
    m.output_bytes = 8'192;
    m.peak_bytes = 49'152;
    m.relative_error = 0.00125;
    m.reference = "cpu reference";
    m.tuned = "tuned";
    return m;
}

void add_candidates(SessionBuilder &builder, RunId run) {
    using Fate = Candidate::Fate;
    const auto add = [&](TileConfig config, Fate fate, const char *reason, double median) {
        Candidate c{
            .run = run, .variant = "fused", .config = config, .fate = fate, .reason = reason};
        if (fate != Fate::Queued && fate != Fate::Compiling) {
            c.registers = 128;
            c.smem_bytes = 24'576;
            c.threads = 32 * config.warps;
            c.blocks_per_sm = 4;
            c.compile_ms = 312.5;
        }
        if (median > 0)
            c.time = summary(5, median);
        builder.add_candidate(c);
    };
    add({64, 64, 32, 4, 3}, Fate::Best, "", 4'150);
    add({128, 64, 32, 4, 3}, Fate::Timed, "", 4'900);
    add({256, 256, 64, 4, 3}, Fate::Pruned, "spills 512 bytes, \"too many\"", 0);
    add({64, 128, 32, 4, 3}, Fate::Failed, "compiler said:\nerror: no", 0);
    add({32, 64, 32, 4, 3}, Fate::Compiling, "", 0);
    add({32, 32, 32, 4, 3}, Fate::Queued, "", 0);
}

// Two kernels of one repetition overlap; the third has no launch, no measurement and stream 0.
void add_launches(SessionBuilder &builder, MeasurementId id) {
    const NameId launch = builder.intern("cudaLaunchKernel"), odd = builder.intern(kOddName);
    const Tag warmup{id, -1}, first{id, 0}, second{id, 1};
    const auto api = [&](std::int64_t at, std::uint32_t correlation, Tag tag) {
        builder.add(ApiRecord{kStart + at, kStart + at + 1'500, launch, correlation, 11, 12, tag});
    };
    const auto kernel = [&](std::int64_t start, std::int64_t end, NameId name,
                            std::uint32_t correlation, Tag tag) {
        builder.add(KernelRecord{.start_ns = kStart + start,
                                 .end_ns = kStart + end,
                                 .name = name,
                                 .correlation = correlation,
                                 .stream = 7,
                                 .tag = tag,
                                 .grid = {12, 2, 1},
                                 .block = {128, 1, 1},
                                 .registers = 96,
                                 .static_smem_bytes = 1'024,
                                 .dynamic_smem_bytes = 24'576,
                                 .theoretical_occupancy = 0.375f});
    };
    const NameId plain = builder.intern("scatter2scatter_fused<bf16>");
    api(10'000, 1, warmup);
    kernel(12'100, 16'300, plain, 1, warmup);
    api(20'000, 2, first);
    api(21'600, 3, first);
    kernel(23'001, 25'500, plain, 2, first);
    kernel(25'000, 27'201, odd, 3, first);
    api(30'000, 4, second);
    api(31'600, 5, second);
    kernel(33'000, 35'400, plain, 4, second);
    kernel(35'000, 37'100, odd, 5, second);
    builder.add(KernelRecord{.start_ns = kStart + 40'000,
                             .end_ns = kStart + 41'000,
                             .name = NameId{},
                             .stream = 0,
                             .grid = {1, 1, 1},
                             .block = {32, 1, 1},
                             .theoretical_occupancy = std::numeric_limits<float>::quiet_NaN()});
    builder.add(CopyRecord{kStart + 17'000, kStart + 19'000, 1'048'576, 77, 0, 7,
                           CopyRecord::Kind::Set, first});
    builder.add(CopyRecord{
        kStart + 50'000, kStart + 52'000, 4'096, 78, 0, 9, CopyRecord::Kind::DeviceToHost, {}});
}

// Counters of the whole repetition and of its second kernel, two samples with a gap between, one
// state of the device, and one instruction.
void add_evidence(SessionBuilder &builder, RunId run, MeasurementId id) {
    const NameId read = builder.intern("dram__bytes_read.sum"), odd = builder.intern(kOddName);
    const NameId active = builder.intern("sm__cycles_active.avg.pct_of_peak_sustained_elapsed");
    builder.add(CounterRecord{id, -1, NameId{}, read, 40'960});
    builder.add(CounterRecord{id, -1, NameId{}, active, 62.5});
    builder.add(CounterRecord{id, 1, odd, read, 8'192});
    builder.add(PmSampleRecord{run, kStart + 60'000, kStart + 62'000, 0, active, 12.5});
    builder.add(PmSampleRecord{run, kStart + 62'000, kStart + 64'000, 0, active, 87.5});
    builder.add(PmSampleRecord{run, kStart + 70'000, kStart + 72'000, 0, active, 50});
    builder.add(DeviceStateRecord{run, kStart + 5'000, 0, 1'980, 3'201, 41, 312.5, 4});
    builder.add(PcSampleRecord{id, odd, 0x1f0, builder.intern("kernel, \"odd\".cu"), 12,
                               builder.intern("long_scoreboard"), 321});
}

} // namespace

SessionPtr small_session() {
    SessionBuilder builder("small, \"odd\" and made up");
    RunRecord gpu = tiny_run("Tiny-4x", "cuda:0");
    gpu.device.name = "NVIDIA H200";
    gpu.device.arch = "sm_90a";
    gpu.device.driver = "580.82";
    gpu.device.runtime = "13.0";
    gpu.device.multiprocessors = 132;
    gpu.device.memory_bytes = 150'754'820'096;
    gpu.device.compute_major = 9;
    gpu.device.ceilings = {4.32e12, 8.1e14, true, false};
    const RunId first = builder.add_run(gpu);
    builder.add(RoutingRecord{first, 6, 2, {5, 0, 4, 3}, {0, 2, 0, 3, 2, 0}});
    const MeasurementId done = builder.add_measurement(finished(first));
    add_candidates(builder, first);
    add_launches(builder, done);

    const NameId weights = builder.intern("gate_up weights");
    builder.add(MemoryRecord{kStart + 1'000, 40'960, 0xffff'8000'0000'1000, weights, {done, -1}, first});
    builder.add(MemoryRecord{kStart + 1'500, 8'192, 0x7f00'0000'2000, NameId{}, {done, -1}, first});
    builder.add(MemoryRecord{kStart + 60'000, -8'192, 0x7f00'0000'2000, NameId{}, {done, -1}, first});
    builder.add(OverheadRecord{kStart + 2'000, kStart + 2'750, builder.intern("BUFFER_FLUSH")});

    add_evidence(builder, first, done);

    RunRecord cpu = tiny_run("Tiny-4x", "cpu");
    cpu.device.name = "a CPU (reference implementations)";
    cpu.state = RunRecord::State::Failed;
    cpu.dropped_records = 2;
    const RunId second = builder.add_run(cpu);
    Measurement failed{.run = second,
                       .op = OperatorId::SoftmaxTopk,
                       .variant = "scalar",
                       .state = Measurement::State::Failed};
    failed.failure = {"softmax_topk / scalar stopped", "it said \"no\",\nthen stopped",
                      "try again"};
    failed.time.median = std::numeric_limits<double>::infinity();
    builder.add_measurement(failed);
    builder.add(Failure{kStart + 80'000, second, "softmax_topk/scalar", failed.failure});
    builder.add(Failure{kStart + 81'000, RunId{}, "session file", {"the disk is full", "", ""}});

    Session session = *builder.snapshot();
    session.created_ns = kStart;
    session.app_version = "0.0.0-test";
    return std::make_shared<const Session>(std::move(session));
}

} // namespace moescope::test
