#include "tests/support/sample_session.h"

#include "profiler/session/session_builder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moescope::test {

namespace {

constexpr std::int64_t kStart = 1'790'000'000'000'000'000; // 2026-09-21, 13:33:20 UTC
constexpr std::uint32_t kProcess = 4711, kThread = 4712, kStream = 7;

class Random { // splitmix64
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    double uniform() { return double(next() >> 11) * 0x1.0p-53; }
    std::int64_t below(std::int64_t bound) { return std::int64_t(uniform() * double(bound)); }

  private:
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::uint64_t state_;
};

DeviceInfo h200() {
    DeviceInfo device;
    device.id = "cuda:0";
    device.name = "NVIDIA H200";
    device.arch = "sm_90a";
    device.driver = "580.82";
    device.runtime = "13.0";
    device.host = "gpu-box";
    device.multiprocessors = 132;
    device.max_threads_per_sm = 2048;
    device.max_threads_per_block = 1024;
    device.registers_per_sm = device.registers_per_block = 65536;
    device.smem_per_sm_bytes = 233472;
    device.smem_per_block_bytes = 49152;
    device.smem_per_block_optin_bytes = 232448;
    device.memory_bytes = 150'754'820'096;
    device.free_memory_bytes = 150'111'000'000;
    device.l2_bytes = 62'914'560;
    device.compute_major = 9;
    device.sm_clock_mhz = 1980;
    device.memory_clock_mhz = 3201;
    device.ceilings = {4.32e12, 8.1e14, true};
    device.capabilities = {
        {"cupti activity", "ok", ""},
        {"cuda events", "ok", ""},
        {"nvml", "refused", "the driver gives no throttle reasons inside a container"}};
    return device;
}

ModelShape qwen() {
    ModelShape model;
    model.name = "Qwen3.5-35B-A3B";
    model.source = "HF configuration";
    model.experts = 256;
    model.hidden = 2048;
    model.intermediate = 512;
    model.top_k = 8;
    model.shared_experts = 1;
    model.shared_intermediate = 512;
    return model;
}

ModelShape mixtral() {
    ModelShape model;
    model.name = "Mixtral-8x7B";
    model.source = "HF configuration";
    return model;
}

// Order statistics by nearest rank: near enough for made-up samples.
Summary summary_of(std::vector<float> values) {
    Summary summary;
    if (values.empty())
        return summary;
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
        return double(values[std::size_t(std::lround(share * double(values.size() - 1)))]);
    };
    summary.samples = values.size();
    summary.minimum = at(0);
    summary.p10 = at(0.1);
    summary.median = at(0.5);
    summary.p90 = at(0.9);
    summary.maximum = at(1);
    for (const float value : values)
        summary.mean += double(value) / double(values.size());
    summary.ci_low = at(0.35);
    summary.ci_high = at(0.65);
    return summary;
}

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

struct KernelShape {
    const char *name;
    double duration_ns;
    std::array<std::int32_t, 3> grid, block;
    std::int32_t registers, dynamic_smem_bytes;
    float occupancy;
    bool overlaps = false; // starts before the one before it ends (programmatic dependent launch)
};

struct OperatorShape {
    OperatorId op;
    const char *variant;
    TileConfig config;
    std::vector<KernelShape> kernels;
    Cost cost;
    std::int64_t input_bytes, output_bytes, workspace_bytes;
};

std::vector<OperatorShape> qwen_operators() {
    const TileConfig wide{128, 128, 64, 8, 4}, slim{64, 128, 64, 4, 4};
    const KernelShape count{"moescope::count_experts(int const*, long, int, int*)",
                            3900,
                            {64, 1, 1},
                            {256, 1, 1},
                            24,
                            1024,
                            1.0f};
    const KernelShape place{"moescope::place_slots(int const*, long, int const*, int*, int*)",
                            5200,
                            {64, 1, 1},
                            {256, 1, 1},
                            32,
                            4096,
                            1.0f};
    const KernelShape shrink{
        "lora_shrink<bf16, 64, 16, 64>", 62'000, {1280, 1, 1}, {128, 1, 1}, 96, 49152, 0.25f};
    const KernelShape expand{"lora_expand_add<bf16, 64, 128, 16>",
                             88'000,
                             {10240, 1, 1},
                             {128, 1, 1},
                             80,
                             24576,
                             0.375f,
                             true};
    const double gate_up_flops = 2.0 * 65536 * (2048.0 * 1024 + 16 * (2048 + 1024));
    const double down_flops = 2.0 * 65536 * (512.0 * 2048 + 16 * (512 + 2048));
    return {
        {OperatorId::SoftmaxTopk,
         "block_merge_sort",
         {},
         {{"moescope::softmax_topk_merge_sort<256, 1>(moescope::TopkArgs)",
           21'400,
           {8192, 1, 1},
           {128, 1, 1},
           40,
           2304,
           0.75f}},
         {8'912'896, 0},
         8'388'608,
         524'288,
         0},
        {OperatorId::SoftmaxTopk,
         "scalar",
         {},
         {{"moescope::softmax_topk_scalar(moescope::TopkArgs)",
           148'000,
           {64, 1, 1},
           {128, 1, 1},
           56,
           0,
           0.5f}},
         {8'912'896, 0},
         8'388'608,
         524'288,
         0},
        {OperatorId::Router,
         "plain",
         {},
         {{"moescope::router_logits<__nv_bfloat16>(moescope::RouterArgs)",
           58'300,
           {512, 1, 1},
           {256, 1, 1},
           128,
           65536,
           0.25f},
          {"moescope::softmax_topk_merge_sort<256, 1>(moescope::TopkArgs)",
           21'600,
           {8192, 1, 1},
           {128, 1, 1},
           40,
           2304,
           0.75f}},
         {43'515'904, 8.6e9},
         34'603'008,
         8'912'896,
         0},
        {OperatorId::RouteMetadata,
         "counting_sort",
         {},
         {count, place},
         {790'000, 0},
         262'144,
         526'000,
         131'072},
        {OperatorId::GateUp,
         "fused",
         wide,
         {{"scatter2scatter_fused<bf16, 128, 128, 64, 8, 4>",
           498'000,
           {6136, 1, 1},
           {256, 1, 1},
           168,
           131072,
           0.125f}},
         {1.27e9, gate_up_flops},
         1'110'000'000,
         134'217'728,
         0},
        {OperatorId::GateUp,
         "split",
         wide,
         {{"scatter2scatter_base<bf16, 128, 128, 64, 8, 4>",
           441'000,
           {6136, 1, 1},
           {256, 1, 1},
           152,
           131072,
           0.125f},
          shrink,
          expand},
         {1.27e9, gate_up_flops},
         1'110'000'000,
         134'217'728,
         2'097'152},
        {OperatorId::Down,
         "fused",
         slim,
         {{"scatter2scatter_fused<bf16, 64, 128, 64, 4, 4>",
           287'000,
           {20352, 1, 1},
           {128, 1, 1},
           144,
           98304,
           0.125f}},
         {8.8e8, down_flops},
         604'000'000,
         268'435'456,
         0},
        {OperatorId::Down,
         "split",
         slim,
         {{"scatter2scatter_base<bf16, 64, 128, 64, 4, 4>",
           264'000,
           {20352, 1, 1},
           {128, 1, 1},
           128,
           98304,
           0.125f},
          shrink,
          expand},
         {8.8e8, down_flops},
         604'000'000,
         268'435'456,
         2'097'152},
        {OperatorId::SelectiveDequant,
         "selective",
         {},
         {{"moescope::mark_active(int const*, int, int*, int*)",
           3100,
           {1, 1, 1},
           {1024, 1, 1},
           20,
           4096,
           0.5f},
          {"moescope::dequant_nf4<__nv_bfloat16, 64>(moescope::DequantArgs)",
           392'000,
           {65536, 1, 1},
           {256, 1, 1},
           38,
           64,
           0.75f}},
         {1.37e9, 0},
         302'000'000,
         1'073'741'824,
         2048},
        {OperatorId::SelectiveDequant,
         "full",
         {},
         {{"moescope::dequant_nf4<__nv_bfloat16, 64>(moescope::DequantArgs)",
           396'000,
           {65536, 1, 1},
           {256, 1, 1},
           38,
           64,
           0.75f}},
         {1.37e9, 0},
         302'000'000,
         1'073'741'824,
         0},
        {OperatorId::SelectLora,
         "selective",
         {},
         {{"moescope::select_lora<__nv_bfloat16>(moescope::SelectLoraArgs)",
           13'800,
           {3072, 1, 1},
           {128, 1, 1},
           26,
           0,
           1.0f}},
         {50'331'648, 0},
         25'165'824,
         25'165'824,
         0},
    };
}

// Carries measurements out on a made-up clock: the host launches ahead, the device follows.
class Lab {
  public:
    Lab(SessionBuilder &builder, std::uint64_t seed) : builder_(builder), random_(seed) {}

    std::int64_t now() const { return std::max(host_ns_, device_ns_); }
    void pause(std::int64_t ns) { host_ns_ = device_ns_ = now() + ns; }

    void allocate(std::int64_t bytes, const char *label, Tag tag) {
        call("cudaMalloc", 41'000, tag);
        builder_.add(MemoryRecord{host_ns_, bytes, next_address_, builder_.intern(label), tag});
        live_.push_back({next_address_, bytes, label});
        next_address_ += std::uint64_t((bytes + 511) / 512 * 512);
    }
    void free_to(std::size_t keep, Tag tag) {
        while (live_.size() > keep) {
            const Block block = live_.back();
            live_.pop_back();
            call("cudaFree", 18'000, tag);
            builder_.add(MemoryRecord{host_ns_, -block.bytes, block.address,
                                      builder_.intern(block.label), tag});
        }
    }
    std::size_t live() const { return live_.size(); }

    struct Repetition {
        double duration_ns, kernel_ns, gap_ns;
    };
    Repetition repeat(const OperatorShape &shape, Tag tag) {
        flush_l2(tag);
        Repetition result{};
        std::int64_t first = 0, last_end = 0;
        for (const KernelShape &kernel : shape.kernels) {
            const auto [start, end] = launch(kernel, tag, last_end);
            if (first == 0)
                first = start;
            else
                result.gap_ns += double(std::max<std::int64_t>(0, start - last_end));
            result.kernel_ns += double(end - start);
            last_end = end;
        }
        result.duration_ns = double(last_end - first);
        host_ns_ = std::max(host_ns_, device_ns_ - 2000);
        call("cudaStreamSynchronize", std::max<std::int64_t>(3000, device_ns_ - host_ns_ + 1500),
             tag);
        host_ns_ += 9000;
        return result;
    }

  private:
    struct Block {
        std::uint64_t address;
        std::int64_t bytes;
        const char *label;
    };

    std::uint32_t call(const char *name, std::int64_t duration_ns, Tag tag) {
        const std::uint32_t correlation = next_correlation_++;
        builder_.add(ApiRecord{host_ns_, host_ns_ + duration_ns, builder_.intern(name), correlation,
                               kProcess, kThread, tag});
        host_ns_ += duration_ns + 350;
        return correlation;
    }
    void flush_l2(Tag tag) {
        const std::uint32_t correlation = call("cudaMemsetAsync", 4100, tag);
        const std::int64_t start = std::max(device_ns_ + 900, host_ns_ + 1800);
        device_ns_ = start + 41'000 + random_.below(600);
        builder_.add(CopyRecord{start, device_ns_, 125'829'120, correlation, 0, kStream,
                                CopyRecord::Kind::Set, tag});
    }
    std::pair<std::int64_t, std::int64_t> launch(const KernelShape &kernel, Tag tag,
                                                 std::int64_t last_end) {
        const bool jit = std::string_view(kernel.name).find("::") == std::string_view::npos;
        const std::uint32_t correlation =
            call(jit ? "cuLaunchKernelEx" : "cudaLaunchKernel", 3200 + random_.below(900), tag);
        std::int64_t start = std::max(device_ns_ + 1100 + random_.below(300), host_ns_ + 1600);
        if (kernel.overlaps)
            start = last_end - 2600;
        const double noise =
            1 + 0.012 * (random_.uniform() - 0.3) + (random_.below(23) == 0 ? 0.06 : 0);
        const std::int64_t end = start + std::int64_t(kernel.duration_ns * noise);
        builder_.add(KernelRecord{.start_ns = start,
                                  .end_ns = end,
                                  .name = builder_.intern(kernel.name),
                                  .correlation = correlation,
                                  .device = 0,
                                  .stream = kStream,
                                  .tag = tag,
                                  .grid = kernel.grid,
                                  .block = kernel.block,
                                  .registers = kernel.registers,
                                  .dynamic_smem_bytes = kernel.dynamic_smem_bytes,
                                  .theoretical_occupancy = kernel.occupancy});
        device_ns_ = std::max(device_ns_, end);
        return {start, end};
    }

    SessionBuilder &builder_;
    Random random_;
    std::int64_t host_ns_ = kStart, device_ns_ = kStart;
    std::uint32_t next_correlation_ = 101;
    std::uint64_t next_address_ = 0x7f5e00000000;
    std::vector<Block> live_;
};

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
    m.time = summary_of(m.samples_ns);
    m.event_time = summary_of(m.event_samples_ns);
    m.kernel_ns = summary_of(kernel_ns).median;
    m.gap_ns = summary_of(gap_ns).median;
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
        c.time = summary_of(
            {float(ns * 0.994), float(ns), float(ns), float(ns * 1.004), float(ns * 1.02)});
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

void add_finished_run(SessionBuilder &builder, Lab &lab) {
    const auto shapes = qwen_operators();
    RunRecord run{
        .plan = plan_for(qwen(), 8192, shapes), .device = h200(), .started_ns = lab.now()};
    const RunId id = builder.add_run(run);
    builder.add(zipf_routing(id, run.plan.workload, 0.6));
    add_landscape(builder, id);
    const NameId flush = builder.intern("BUFFER_FLUSH");
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const bool first_variant = i == 0 || shapes[i - 1].op != shapes[i].op;
        measure(builder, lab, id, run.device, shapes[i], 20,
                first_variant ? "cpu reference" : shapes[i - 1].variant);
        builder.add(OverheadRecord{lab.now() - 300'000, lab.now() - 120'000, flush});
    }
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
    add_finished_run(builder, lab);
    add_failed_run(builder, lab);
    return frozen(builder);
}

} // namespace moescope::test
