#include "profiler/explain/gap.h"

#include "profiler/base/units.h"
#include "profiler/explain/repetition.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr double kNear = 1.05; // times the floor: at the limit

// Output columns of one expert's product; 0 where the operator is no grouped product with one tile.
std::int64_t product_columns(const ModelShape &model, OperatorId op) {
    const WeightSize weight = weight_size(model, op);
    switch (op) {
    case OperatorId::GateUp:
    case OperatorId::Down:
        return weight.n;
    case OperatorId::GateUpDx:
        return weight_size(model, OperatorId::GateUp).k;
    case OperatorId::DownDx:
        return weight_size(model, OperatorId::Down).k;
    default:
        return 0;
    }
}

const RoutingRecord *routing_of(const Session &session, RunId run) {
    for (const RoutingRecord &routing : session.routings)
        if (routing.run == run)
            return &routing;
    return nullptr;
}

Waves waves_of_blocks(std::int64_t blocks, const KernelRecord &kernel, const DeviceInfo &device) {
    return waves_of(blocks, 1, 1, device.multiprocessors,
                    blocks_per_multiprocessor(kernel, device));
}

std::int64_t blocks_of(const KernelRecord &kernel) {
    return std::int64_t(kernel.grid[0]) * std::max(kernel.grid[1], 1) * std::max(kernel.grid[2], 1);
}

// Rows and tiles, where the operator computes in tiles of known size. The grid of a grouped product
// is an upper bound or, for a resident kernel, the multiprocessors: its tiles are what counts.
std::int64_t add_tiles(const Session &session, const Measurement &m, GapFacts &facts) {
    const std::int64_t columns =
        product_columns(session.runs[m.run.value].plan.workload.model, m.op);
    const RoutingRecord *routing = routing_of(session, m.run);
    if (!routing || columns == 0 || m.config.is_default() || m.config.block_n <= 0)
        return 0;
    const Tiling tiling = tile_rows(routing->counts, row_tile(m.config));
    facts.tile = tiling.tile;
    facts.rows = tiling.rows;
    facts.slots = facts.rows - tiling.padded_rows;
    return tiling.tile_count * ((columns + m.config.block_n - 1) / m.config.block_n);
}

void add_kernels(const Session &session, const Measurement &m, const Breakdown &breakdown,
                 std::int64_t tiles, GapFacts &facts) {
    const DeviceInfo &device = session.runs[m.run.value].device;
    const auto longest = std::max_element(
        breakdown.parts.begin(), breakdown.parts.end(),
        [](const KernelPart &a, const KernelPart &b) { return a.duration_ns < b.duration_ns; });
    for (auto part = breakdown.parts.begin(); part != breakdown.parts.end(); ++part) {
        const KernelRecord &kernel = session.kernels[part->kernel];
        const bool in_tiles = part == longest && tiles > 0;
        const Waves waves = waves_of_blocks(in_tiles ? tiles : blocks_of(kernel), kernel, device);
        facts.tail_ns += idle_share(waves, device.multiprocessors) * (part->to_ns - part->from_ns);
        if (part != longest)
            continue;
        facts.waves = waves;
        facts.theoretical_occupancy = double(kernel.theoretical_occupancy);
    }
}

// Adds parts one after another, none longer than what is left.
class Splitting {
  public:
    explicit Splitting(Gap &gap) : gap_(gap), left_(gap.time_ns) {}

    double left() const { return left_; }
    void add(GapPart part) {
        part.ns = std::clamp(part.ns, 0.0, left_);
        left_ -= part.ns;
        if (part.ns > 0)
            gap_.parts.push_back(std::move(part));
    }

  private:
    Gap &gap_;
    double left_;
};

double bytes_ns(double bytes, const Ceilings &ceilings) {
    return ceilings.bytes_per_second > 0 ? bytes / ceilings.bytes_per_second * 1e9 : 0;
}
double flops_ns(double flops, const Ceilings &ceilings) {
    return ceilings.flops_per_second > 0 ? flops / ceilings.flops_per_second * 1e9 : 0;
}

void add_floor(const GapFacts &f, Gap &gap, Splitting &split) {
    if (gap.by == Bound::Launch) {
        const bool measured = f.ceilings.launch_measured_ns > 0;
        split.add({GapPart::Kind::Floor, gap.floor_ns, measured ? Evidence::Measured : Evidence::Modelled,
                   measured ? "one launch: its bytes and operations take less"
                            : "one launch, by the shortest kernel: its bytes and operations take less",
                   launch_origin(f.ceilings)});
        return;
    }
    const bool memory = gap.by == Bound::Memory;
    const std::string limit = memory ? fmt::format("{} at {}", format_bytes(f.cost.bytes),
                                                   format_bandwidth(f.ceilings.bytes_per_second))
                                     : fmt::format("{} operations at {}", format_count(f.cost.flops),
                                                   format_flops(f.ceilings.flops_per_second));
    split.add({GapPart::Kind::Floor, gap.floor_ns, Evidence::Modelled,
               memory ? "the least bytes, at the memory's ceiling"
                      : "the operations, at the matrix units' ceiling",
               fmt::format("{}: no implementation on this device is faster, if the ceiling "
                           "({}) is right.",
                           limit,
                           ceiling_origin(memory ? f.ceilings.bytes_measured
                                                 : f.ceilings.flops_measured))});
}

// The floor once the measured bytes stand for the least ones.
double add_re_reads(const GapFacts &f, Gap &gap, Splitting &split) {
    if (!f.dram_bytes)
        return gap.floor_ns;
    const double ratio = f.cost.bytes > 0 ? *f.dram_bytes / f.cost.bytes : 0;
    const double with = std::max(gap.floor_ns, bytes_ns(*f.dram_bytes, f.ceilings));
    const std::string traffic =
        fmt::format("{} through DRAM where {} would do ({})", format_bytes(*f.dram_bytes),
                    format_bytes(f.cost.bytes), format_ratio(ratio));
    split.add({GapPart::Kind::ReReads, with - gap.floor_ns, Evidence::Estimated, traffic,
               "The DRAM bytes that the counters read, at the memory's ceiling, less the floor: "
               "inputs fetched more than once, and intermediate results that leave the L2."});
    if (ratio > 1 && with <= gap.floor_ns)
        gap.notes.push_back(traffic + ": hidden behind the matrix units' work");
    if (ratio > 0 && ratio < 1)
        gap.notes.push_back(
            fmt::format("{} through DRAM, less than the least {}: the rest was in the L2, or "
                        "stayed there when the counting ended",
                        format_bytes(*f.dram_bytes), format_bytes(f.cost.bytes)));
    return with;
}

void add_padding(const GapFacts &f, Gap &gap, double floor_before, Splitting &split) {
    if (f.slots <= 0 || f.rows <= f.slots)
        return;
    const double ratio = double(f.rows) / double(f.slots);
    const double padded = flops_ns(f.cost.flops, f.ceilings) * ratio;
    const std::string words =
        fmt::format("tiles of {}{} rows multiply {} rows for {} slots ({})",
                    f.tile.wgmma ? "up to " : "", f.tile.block_m, format_count(double(f.rows)),
                    format_count(double(f.slots)), format_ratio(ratio));
    split.add({GapPart::Kind::Padding, padded - floor_before, Evidence::Estimated, words,
               fmt::format("{} The operations of all rows, at the matrix units' ceiling, less what "
                           "the parts above already take.",
                           f.tile.wgmma ? "An expert's rows are dealt out evenly over its tiles, and "
                                          "wgmma multiplies what a tile has, in steps of 8 or 16."
                                        : "Each expert's last tile is multiplied in full.")});
    if (padded <= floor_before)
        gap.notes.push_back(words + ": hidden behind the memory's traffic");
}

std::string waves_text(const Waves &waves) {
    if (waves.waves <= 0)
        return "";
    if (waves.waves == 1)
        return fmt::format("{} blocks for {} places", format_count(double(waves.blocks)),
                           format_count(double(waves.capacity)));
    return fmt::format("{} blocks in {} waves of {}, the last {:.0f} % full",
                       format_count(double(waves.blocks)), format_count(double(waves.waves)),
                       format_count(double(waves.capacity)), waves.last_fill * 100);
}

void add_idle(const GapFacts &f, Splitting &split) {
    const std::string waves = waves_text(f.waves);
    if (f.sm_active) {
        // Counting lengthens a repetition, by time in which nothing runs.
        const double counted = std::max(f.counted_ns.value_or(f.time_ns), f.time_ns);
        const double idle = f.time_ns - *f.sm_active * counted - f.launch_gap_ns;
        split.add(
            {GapPart::Kind::IdleSms, idle, Evidence::Estimated,
             fmt::format("multiprocessors without a warp{}", waves.empty() ? "" : ": " + waves),
             fmt::format("While counted, a multiprocessor held a warp for {:.1f} % of {}. The "
                         "rest of the median, less the gaps between launches, is the last "
                         "wave, blocks of unequal length, and the start and end of kernels.",
                         *f.sm_active * 100, format_duration_ns(counted))});
        return;
    }
    split.add({GapPart::Kind::IdleSms, f.tail_ns, Evidence::Estimated, waves,
               "Multiprocessors without a block while the last wave of each kernel runs, if every "
               "block takes equally long. Counters would measure it."});
}

void add_launches(const GapFacts &f, Bound by, Splitting &split) {
    split.add({GapPart::Kind::LaunchGaps, f.launch_gap_ns, Evidence::Measured,
               fmt::format("between {} kernels", f.kernels),
               "Median of the time a repetition's kernels leave the device idle between them."});
    if (f.sm_active && f.kernels <= 1)
        return; // the counter has seen it
    const int more = f.kernels - (by == Bound::Launch ? 1 : 0);
    const bool measured = f.ceilings.launch_measured_ns > 0;
    const double each = measured ? f.ceilings.launch_ns : f.shortest_kernel_ns;
    split.add({GapPart::Kind::Launches, more * each, Evidence::Estimated,
               more == 1 ? "to start and end one kernel, at most"
                         : fmt::format("to start and end {} kernels, at most", more),
               measured ? launch_origin(f.ceilings) + " Bytes and operations come on top."
                        : fmt::format("The shortest kernel of this session took {}: starting and ending one "
                                      "takes no longer than that. Bytes and operations come on top.",
                                      format_duration_ns(f.shortest_kernel_ns))});
}

void add_rest(const GapFacts &f, Splitting &split) {
    std::string words = "latency and instruction issue within the kernels";
    if (f.stall)
        words += fmt::format("; most warps: {}", f.stall->reason);
    else if (!f.dram_bytes)
        words += ", and what counters would show";
    split.add({GapPart::Kind::Rest, split.left(), Evidence::Estimated, words,
               "The measured median less all parts above."});
}

void note_occupancy(const GapFacts &f, Gap &gap) {
    if (f.occupancy)
        gap.notes.push_back(
            f.theoretical_occupancy > 0
                ? fmt::format(
                      "occupancy {:.1f} %, where registers and shared memory of the longest "
                      "kernel allow {:.1f} %",
                      *f.occupancy * 100, f.theoretical_occupancy * 100)
                : fmt::format("occupancy {:.1f} %", *f.occupancy * 100));
    else if (f.theoretical_occupancy > 0)
        gap.notes.push_back(fmt::format("occupancy at most {:.1f} %: registers and shared memory "
                                        "allow no more",
                                        f.theoretical_occupancy * 100));
}

} // namespace

const GapPart *Gap::main_part() const {
    const GapPart *longest = nullptr;
    for (const GapPart &part : parts)
        if (part.kind != GapPart::Kind::Floor && (!longest || part.ns > longest->ns))
            longest = &part;
    return longest;
}

int blocks_per_multiprocessor(const KernelRecord &kernel, const DeviceInfo &device) {
    const int threads =
        kernel.block[0] * std::max(kernel.block[1], 1) * std::max(kernel.block[2], 1);
    return int(std::lround(double(kernel.theoretical_occupancy) * device.max_threads_per_sm /
                           std::max(1, threads)));
}

double idle_share(const Waves &waves, int multiprocessors) {
    if (waves.waves <= 0 || multiprocessors <= 0)
        return 0;
    const double reached = std::min(1.0, double(waves.in_last) / multiprocessors);
    return (1 - reached) / double(waves.waves);
}

double shortest_kernel_ns(const Session &session, RunId run, const KernelsByMeasurement &kernels) {
    std::int64_t shortest = 0;
    for (std::uint32_t id = 0; id < session.measurements.size(); ++id) {
        if (session.measurements[id].run != run)
            continue;
        for (const std::uint32_t index : kernels.of({id})) {
            const KernelRecord &kernel = session.kernels[index];
            const std::int64_t took = kernel.end_ns - kernel.start_ns;
            if (took > 0 && (shortest == 0 || took < shortest))
                shortest = took;
        }
    }
    return double(shortest);
}

GapFacts gap_facts(const Session &session, MeasurementId measurement,
                   std::span<const std::uint32_t> kernels, const CounterRange *counters,
                   double shortest_kernel_ns) {
    const Measurement &m = session.measurements[measurement.value];
    GapFacts facts{.time_ns = m.time.median,
                   .cost = m.cost,
                   .ceilings = session.runs[m.run.value].device.ceilings,
                   .warm = m.cache == CacheState::Warm,
                   .launch_gap_ns = m.gap_ns,
                   .kernels = m.kernels_per_repetition,
                   .shortest_kernel_ns = shortest_kernel_ns};
    const std::int64_t tiles = add_tiles(session, m, facts);
    add_kernels(session, m, median_breakdown(session, kernels), tiles, facts);
    if (!counters)
        return facts;
    const auto share = [&](Counter counter) {
        auto value = counters->find(session, counter);
        return value ? std::optional(*value / 100) : std::nullopt;
    };
    facts.dram_bytes = counters->dram_bytes(session);
    facts.sm_active = share(Counter::SmActive);
    facts.counted_ns = counters->find(session, Counter::DurationNs);
    facts.occupancy = share(Counter::Occupancy);
    if (const auto stalls = counters->stalls(session); !stalls.empty())
        facts.stall = stalls.front();
    return facts;
}

Gap explain_gap(const GapFacts &f) {
    const Floor floor = floor_of(f.cost, f.ceilings);
    Gap gap{.time_ns = f.time_ns, .floor_ns = floor.ns, .by = floor.by};
    gap.counted = f.dram_bytes.has_value();
    if (f.time_ns <= 0 || gap.floor_ns <= 0)
        return gap;
    Splitting split(gap);
    add_floor(f, gap, split);
    const double with_traffic = add_re_reads(f, gap, split);
    add_padding(f, gap, with_traffic, split);
    add_idle(f, split);
    add_launches(f, gap.by, split);
    add_rest(f, split);
    note_occupancy(f, gap);
    if (f.warm)
        gap.notes.push_back("the L2 was warm: inputs that lay in it cost no memory traffic");
    return gap;
}

std::string headline(const Gap &gap) {
    if (gap.parts.empty())
        return "The floor is not known here.";
    const double times = gap.time_ns / gap.floor_ns;
    const char *limit = gap.by == Bound::Memory   ? "the memory sets"
                        : gap.by == Bound::Launch ? "one launch sets"
                                                  : "the matrix units set";
    if (times < kNear)
        return fmt::format("At the limit: {} its floor, which {}.", format_ratio(times), limit);
    const GapPart *part = gap.main_part();
    return fmt::format("{} its floor, which {}. Most of the gap: {} ({}).", format_ratio(times), limit,
                       title_of(part->kind), format_duration_ns(part->ns));
}

} // namespace moescope
