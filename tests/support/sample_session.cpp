#include "tests/support/sample_session.h"

#include "tests/support/made_up_lab.h"

#include <algorithm>
#include <cmath>

namespace moescope::test {

namespace {

// Slots of each expert when popularity falls with rank to the power -exponent; ranks shuffled.
RoutingRecord zipf_routing(RunId run, const Workload &workload, double exponent) {
    const int experts = workload.model.experts;
    Random random(7);
    std::vector<double> popularity(static_cast<std::size_t>(experts));
    for (int rank = 0; rank < experts; ++rank)
        popularity[std::size_t(rank)] = std::pow(rank + 1.0, -exponent);
    for (std::size_t i = popularity.size() - 1; i > 0; --i)
        std::swap(popularity[i], popularity[std::size_t(random.below(std::int64_t(i) + 1))]);

    RoutingRecord routing{.run = run, .tokens = workload.tokens, .top_k = workload.model.top_k};
    routing.counts.assign(popularity.size(), 0);
    for (std::int64_t token = 0; token < workload.tokens; ++token) {
        // The k largest of popularity x exponential noise are k distinct experts, drawn by
        // popularity.
        std::vector<std::pair<double, std::int32_t>> keys;
        for (int expert = 0; expert < experts; ++expert)
            keys.emplace_back(-std::log(1 - random.uniform()) / popularity[std::size_t(expert)],
                              expert);
        std::partial_sort(keys.begin(), keys.begin() + routing.top_k, keys.end());
        for (int k = 0; k < routing.top_k; ++k) {
            ++routing.counts[std::size_t(keys[std::size_t(k)].second)];
            if (token < 64)
                routing.sample_ids.push_back(keys[std::size_t(k)].second);
        }
    }
    return routing;
}

// Runs one operator `repetitions` times after 3 warm-ups and fills in what a worker would report.
void measure(SessionBuilder &builder, Lab &lab, RunId run, const DeviceInfo &device,
             const OperatorShape &shape, int repetitions, const char *reference) {
    Measurement m{.run = run,
                  .op = shape.op,
                  .variant = shape.variant,
                  .config = shape.config,
                  .state = Measurement::State::Running,
                  .timer = Measurement::Timer::Cupti,
                  .warmup = 3};
    const MeasurementId id = builder.add_measurement(m);
    const std::size_t before = lab.live();
    lab.allocate(shape.input_bytes, "inputs", {id, -1});
    lab.allocate(shape.output_bytes, "outputs", {id, -1});
    if (shape.workspace_bytes > 0)
        lab.allocate(shape.workspace_bytes, "workspace", {id, -1});

    std::vector<float> kernel_ns, gap_ns;
    for (int repetition = -m.warmup; repetition < repetitions; ++repetition) {
        const Lab::Repetition done = lab.repeat(shape, {id, std::max(repetition, -1)});
        if (repetition < 0)
            continue;
        m.samples_ns.push_back(float(done.duration_ns));
        m.event_samples_ns.push_back(float(done.duration_ns + 1400 + 37 * (repetition % 5)));
        kernel_ns.push_back(float(done.kernel_ns));
        gap_ns.push_back(float(done.gap_ns));
    }
    lab.free_to(before, {id, -1});

    m.state = Measurement::State::Done;
    m.time = summarize(m.samples_ns);
    m.event_time = summarize(m.event_samples_ns);
    m.kernel_ns = summarize(kernel_ns).median;
    m.gap_ns = summarize(gap_ns).median;
    m.kernels_per_repetition = std::int32_t(shape.kernels.size());
    m.cost = shape.cost;
    m.floor_ns = 1e9 * std::max(shape.cost.bytes / device.ceilings.bytes_per_second,
                                shape.cost.flops / device.ceilings.flops_per_second);
    m.input_bytes = shape.input_bytes;
    m.output_bytes = shape.output_bytes;
    m.workspace_bytes = shape.workspace_bytes;
    m.peak_bytes = shape.input_bytes + shape.output_bytes + shape.workspace_bytes;
    m.relative_error = shape.cost.flops > 0 ? 0.0021 : 0;
    m.reference = reference;
    if (!shape.config.is_default())
        m.tuned = "tuned";
    builder.update(id, std::move(m));
    lab.pause(400'000);
}

// The fate of one tile configuration of a made-up landscape with its best at `best`.
Candidate candidate(RunId run, const char *variant, TileConfig config, TileConfig best,
                    double best_ns) {
    Candidate c{.run = run, .op = OperatorId::GateUp, .variant = variant, .config = config};
    c.threads = 32 * config.warps;
    c.smem_bytes = config.stages * config.block_k * (config.block_m + config.block_n) * 2;
    c.registers = std::min(255, 40 + config.block_m * config.block_n / c.threads);
    c.spill_bytes = std::max(0, config.block_m * config.block_n / c.threads - 215) * 4;
    c.compile_ms = 310 + 2.1 * config.block_n + 40.0 * config.stages;
    c.from_cache = config.stages == 4;
    if (c.smem_bytes > 232'448) {
        c.fate = Candidate::Fate::Pruned;
        c.reason = "needs " + std::to_string(c.smem_bytes) +
                   " bytes of shared memory; the device has 232448 a block";
    } else if (c.spill_bytes > 0) {
        c.fate = Candidate::Fate::Pruned;
        c.reason = "spills " + std::to_string(c.spill_bytes) + " bytes of registers a thread";
    } else {
        c.blocks_per_sm = std::max(
            1, std::min(65536 / (c.registers * c.threads), 233'472 / std::max(1, c.smem_bytes)));
        const auto off = [](int a, int b) { return std::fabs(std::log2(double(a) / b)); };
        const double distance =
            off(config.block_m, best.block_m) + off(config.block_n, best.block_n) +
            0.4 * off(config.block_k, best.block_k) + 0.3 * off(config.warps, best.warps) +
            0.2 * std::abs(config.stages - best.stages);
        const double ns = best_ns * (1 + 0.19 * distance);
        c.fate = config == best ? Candidate::Fate::Best : Candidate::Fate::Timed;
        const std::vector<float> samples{float(ns * 0.994), float(ns), float(ns), float(ns * 1.004),
                                         float(ns * 1.02)};
        c.time = summarize(samples);
    }
    return c;
}

void add_landscape(SessionBuilder &builder, RunId run) {
    const TileConfig best{128, 128, 64, 8, 4};
    for (const int m : {32, 64, 128, 256})
        for (const int n : {64, 128, 256})
            for (const int stages : {3, 4}) {
                builder.add_candidate(candidate(
                    run, "fused", {m, n, 64, m * n >= 16384 ? 8 : 4, stages}, best, 498'000));
            }
    for (const int m : {32, 64, 128, 256})
        for (const int n : {64, 128, 256})
            builder.add_candidate(
                candidate(run, "split", {m, n, 64, m * n >= 16384 ? 8 : 4, 4}, best, 589'000));
    // What a landscape looks like while it fills: one cell each.
    Candidate broken = candidate(run, "split", {64, 64, 32, 4, 3}, best, 589'000);
    broken.fate = Candidate::Fate::Failed;
    broken.reason = "an illegal memory access was encountered";
    broken.time = {};
    builder.add_candidate(broken);
    Candidate compiling{.run = run,
                        .variant = "split",
                        .config = {64, 128, 32, 4, 3},
                        .fate = Candidate::Fate::Compiling};
    builder.add_candidate(compiling);
    for (const int n : {64, 128}) {
        Candidate queued{.run = run, .variant = "split", .config = {128, n, 32, 4, 3}};
        builder.add_candidate(queued);
    }
}

Plan plan_for(const ModelShape &model, std::int64_t tokens,
              const std::vector<OperatorShape> &shapes) {
    Plan plan;
    plan.workload.model = model;
    plan.workload.tokens = tokens;
    plan.workload.skew = {Skew::Kind::Zipf, 0.6};
    plan.device = "cuda:0";
    plan.repetition.max_samples = 20;
    for (const OperatorShape &shape : shapes) {
        plan.items.push_back({shape.op, shape.variant, shape.config});
        if (!shape.config.is_default())
            plan.tune.push_back({shape.op, shape.variant, {}});
    }
    return plan;
}

// What the collectors beside the timing bring: counters of each repetition and of its first kernel,
// samples over time, the device's state, and where the first operator's warps were.
void add_evidence(SessionBuilder &builder, RunId run, std::int64_t start_ns) {
    const NameId read = builder.intern("dram__bytes_read.sum");
    const NameId written = builder.intern("dram__bytes_write.sum");
    const NameId duration = builder.intern("gpu__time_duration.sum");
    const NameId active = builder.intern("sm__cycles_active.avg.pct_of_peak_sustained_elapsed");
    const NameId kernel = builder.intern("first kernel"), file = builder.intern("kernel.cu");
    const Session &session = builder.current();
    for (std::uint32_t id = 0; id < session.measurements.size(); ++id) {
        const Measurement measurement = session.measurements[id];
        if (measurement.run != run || measurement.state != Measurement::State::Done)
            continue;
        for (const std::int32_t place : {-1, 0}) {
            const NameId range = place < 0 ? NameId{} : kernel;
            builder.add(CounterRecord{{id}, place, range, read, 0.8 * measurement.cost.bytes});
            builder.add(CounterRecord{{id}, place, range, written, 0.3 * measurement.cost.bytes});
            builder.add(CounterRecord{{id}, place, range, duration, measurement.time.median});
            builder.add(CounterRecord{{id}, place, range, active, 87.5});
        }
        for (int line = 10; line < 14; ++line)
            builder.add(PcSampleRecord{{id}, kernel, std::uint64_t(16 * line), file, line,
                                       builder.intern(line % 2 ? "long_scoreboard" : "selected"),
                                       std::uint64_t(100 * line)});
    }
    for (int i = 0; i < 8; ++i) {
        const std::int64_t at = start_ns + i * 20'000;
        builder.add(PmSampleRecord{run, at, at + 20'000, 0, active, 10.0 * i});
        builder.add(DeviceStateRecord{run, at, 0, 1980 - 15 * i, 3201, 40 + i, 300.5 + i,
                                      i == 7 ? 4u : 0u});
    }
}

void add_finished_run(SessionBuilder &builder, Lab &lab, std::int64_t tokens, int repetitions) {
    const auto shapes = qwen_operators();
    RunRecord run{
        .plan = plan_for(qwen(), tokens, shapes), .device = h200(), .started_ns = lab.now()};
    const RunId id = builder.add_run(run);
    builder.add(zipf_routing(id, run.plan.workload, 0.6));
    add_landscape(builder, id);
    const NameId flush = builder.intern("BUFFER_FLUSH");
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const bool first_variant = i == 0 || shapes[i - 1].op != shapes[i].op;
        measure(builder, lab, id, run.device, shapes[i], repetitions,
                first_variant ? "cpu reference" : shapes[i - 1].variant);
        builder.add(OverheadRecord{lab.now() - 300'000, lab.now() - 120'000, flush});
    }
    add_evidence(builder, id, run.started_ns);
    run.finished_ns = lab.now();
    run.state = RunRecord::State::Done;
    builder.update(id, run);
}

void add_failed_run(SessionBuilder &builder, Lab &lab) {
    const TileConfig tile{128, 256, 64, 8, 3};
    const OperatorShape topk{OperatorId::SoftmaxTopk,
                             "warp_bitonic",
                             {},
                             {{"moescope::softmax_topk_warp_bitonic<1>(moescope::TopkArgs)",
                               2900,
                               {64, 1, 1},
                               {256, 1, 1},
                               30,
                               0,
                               1.0f}},
                             {24'576, 0},
                             8192,
                             8192,
                             0};
    const OperatorShape fused{OperatorId::GateUp,
                              "fused",
                              tile,
                              {{"scatter2scatter_fused<bf16, 128, 256, 64, 8, 3>",
                                623'000,
                                {1012, 1, 1},
                                {256, 1, 1},
                                226,
                                147456,
                                0.125f}},
                              {1.9e9, 2.4e11},
                              1'900'000'000,
                              58'720'256,
                              0};
    RunRecord run{
        .plan = plan_for(mixtral(), 512, {topk, fused}), .device = h200(), .started_ns = lab.now()};
    run.plan.items.push_back({OperatorId::GateUp, "split", tile});
    for (const char *variant : {"fused", "split"})
        run.plan.items.push_back({OperatorId::Down, variant, {}});
    const RunId id = builder.add_run(run);
    builder.add(zipf_routing(id, run.plan.workload, 0.6));
    measure(builder, lab, id, run.device, topk, 12, "cpu reference");
    measure(builder, lab, id, run.device, fused, 6, "cpu reference");

    Measurement failed{.run = id,
                       .op = OperatorId::GateUp,
                       .variant = "split",
                       .config = tile,
                       .state = Measurement::State::Failed,
                       .timer = Measurement::Timer::Cupti};
    failed.failure = {
        "gate_up / split stopped in repetition 2", "an illegal memory access was encountered",
        "the worker was restarted; run it under compute-sanitizer to find the access"};
    builder.add_measurement(failed);
    builder.add(Failure{lab.now(), id, "gate_up/split", failed.failure});
    builder.add(Failure{lab.now() + 2'000'000,
                        id,
                        "worker",
                        {"the worker on gpu-box died",
                         "signal 6; its last words: \"CUDA error 700\"", "it was started again"}});
    builder.add_measurement({.run = id,
                             .op = OperatorId::Down,
                             .variant = "fused",
                             .state = Measurement::State::Running});
    builder.add_measurement({.run = id,
                             .op = OperatorId::Down,
                             .variant = "split",
                             .state = Measurement::State::Cancelled});
    builder.add_measurement({.run = id, .op = OperatorId::SelectLora, .variant = "selective"});
    run.finished_ns = lab.now() + 3'000'000;
    run.state = RunRecord::State::Failed;
    run.dropped_records = 3;
    builder.update(id, run);
}

// Fixes what would differ between two calls.
SessionPtr frozen(SessionBuilder &builder) {
    Session session = *builder.snapshot();
    session.created_ns = kStart;
    session.app_version = "0.0.0-test";
    return std::make_shared<const Session>(std::move(session));
}

} // namespace

SessionPtr sample_session() {
    SessionBuilder builder("Qwen3.5-35B-A3B and Mixtral-8x7B on an H200 (made up for tests)");
    Lab lab(builder, 1);
    add_finished_run(builder, lab, 8192, 20);
    add_failed_run(builder, lab);
    return frozen(builder);
}

namespace {

// Runs over the tokens until there is enough.
template <typename Enough> SessionPtr made_of_runs(int repetitions, const Enough &enough) {
    SessionBuilder builder("A sweep over the tokens (made up for tests)");
    Lab lab(builder, 2);
    for (std::int64_t tokens = 16; !enough(builder.current()); tokens = tokens < 512 ? tokens * 2 : 16)
        add_finished_run(builder, lab, tokens, repetitions);
    return frozen(builder);
}

} // namespace

SessionPtr large_session(std::size_t kernels) {
    return made_of_runs(200, [&](const Session &session) { return session.kernels.size() >= kernels; });
}

SessionPtr session_of_runs(std::size_t runs, int repetitions) {
    return made_of_runs(repetitions, [&](const Session &session) { return session.runs.size() >= runs; });
}

} // namespace moescope::test
