// CSV tables with one header line whose names carry the units.
#include "profiler/export/csv_rows.h"
#include "profiler/export/exporters.h"
#include "profiler/explain/counters.h"
#include "profiler/metrics/metric_unit.h"
#include "profiler/export/replace_file.h"
#include "profiler/session/record_names.h"

#include <fmt/format.h>

#include <cstdint>
#include <ostream>

namespace moescope {

namespace {

void write_measurements(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("measurement", "run", "model", "dtype", "tokens", "top_k", "experts", "lora_rank",
            "device", "device_name", "operator", "variant", "tile", "state", "timer", "cache",
            "samples", "median_ns", "p10_ns", "p90_ns", "minimum_ns", "maximum_ns", "mean_ns",
            "ci_low_ns", "ci_high_ns", "event_median_ns", "kernel_ns", "gap_ns",
            "kernels_per_repetition", "least_bytes", "flop", "floor_ns", "times_floor",
            "bytes_per_s", "flop_per_s", "peak_bytes", "relative_error", "reference", "tuned",
            "throttle", "failure");
    std::uint32_t id = 0;
    for (const Measurement &m : session.measurements) {
        const RunRecord none;
        const RunRecord &run = m.run.value < session.runs.size() ? session.runs[m.run.value] : none;
        const Workload &w = run.plan.workload;
        const auto timed = [&](double value) { return known(m.time.samples > 0, value); };
        csv.row(id++, m.run, w.model.name, name_of(w.model.dtype), w.tokens, w.model.top_k,
                w.model.experts, w.lora_rank, run.device.id, run.device.name, info(m.op).name,
                m.variant, m.config.text(), name_of(m.state), name_of(m.timer), name_of(m.cache),
                m.time.samples, timed(m.time.median), timed(m.time.p10), timed(m.time.p90),
                timed(m.time.minimum), timed(m.time.maximum), timed(m.time.mean),
                timed(m.time.ci_low), timed(m.time.ci_high),
                known(m.event_time.samples > 0, m.event_time.median),
                known(m.kernels_per_repetition > 0, m.kernel_ns),
                known(m.kernels_per_repetition > 0, m.gap_ns), m.kernels_per_repetition,
                m.cost.bytes, m.cost.flops, m.floor_ns, timed(m.times_floor()),
                timed(m.achieved_bytes_per_second()), timed(m.achieved_flops_per_second()),
                m.peak_bytes, known(m.relative_error >= 0, m.relative_error), m.reference, m.tuned,
                m.throttle, m.failure.what.empty() ? "" : m.failure.sentence());
    }
}

void write_samples(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("measurement", "clock", "repetition", "duration_ns");
    for (std::uint32_t id = 0; id < session.measurements.size(); ++id) {
        const Measurement &m = session.measurements[id];
        for (std::size_t at = 0; at < m.samples_ns.size(); ++at)
            csv.row(id, name_of(m.timer), at, m.samples_ns[at]);
        for (std::size_t at = 0; at < m.event_samples_ns.size(); ++at)
            csv.row(id, "cuda_events_check", at, m.event_samples_ns[at]);
    }
}

void write_kernels(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("kernel", "operator", "variant", "measurement", "repetition", "start_ns", "duration_ns",
            "device", "stream", "correlation", "grid_x", "grid_y", "grid_z", "block_x", "block_y",
            "block_z", "registers", "static_smem_bytes", "dynamic_smem_bytes",
            "local_bytes_per_thread", "theoretical_occupancy");
    for (const KernelRecord &k : session.kernels) {
        const bool known = k.tag.measurement.value < session.measurements.size();
        const Measurement *m = known ? &session.measurements[k.tag.measurement.value] : nullptr;
        csv.row(session.name(k.name), m ? info(m->op).name : std::string_view(),
                m ? std::string_view(m->variant) : "", k.tag.measurement, k.tag.repetition,
                k.start_ns, k.end_ns - k.start_ns, k.device, k.stream, k.correlation, k.grid[0],
                k.grid[1], k.grid[2], k.block[0], k.block[1], k.block[2], k.registers,
                k.static_smem_bytes, k.dynamic_smem_bytes, k.local_bytes_per_thread,
                k.theoretical_occupancy);
    }
}

void write_candidates(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("run", "operator", "variant", "block_m", "block_n", "block_k", "warps", "stages",
            "fate", "reason", "registers", "spill_bytes", "smem_bytes", "threads", "blocks_per_sm",
            "compile_ms", "from_cache", "samples", "median_ns", "p10_ns", "p90_ns");
    for (const Candidate &c : session.candidates) {
        const bool timed = c.time.samples > 0;
        csv.row(c.run, info(c.op).name, c.variant, c.config.block_m, c.config.block_n,
                c.config.block_k, c.config.warps, c.config.stages, name_of(c.fate), c.reason,
                c.registers, c.spill_bytes, c.smem_bytes, c.threads, c.blocks_per_sm, c.compile_ms,
                int(c.from_cache), c.time.samples, known(timed, c.time.median),
                known(timed, c.time.p10), known(timed, c.time.p90));
    }
}

void write_memory(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("time_ns", "bytes", "address", "label", "measurement", "repetition", "run");
    for (const MemoryRecord &m : session.memory)
        csv.row(m.time_ns, m.bytes, fmt::format("{:#x}", m.address), session.name(m.label),
                m.tag.measurement, m.tag.repetition, m.run);
}

void write_counters(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("measurement", "operator", "variant", "kernel", "range", "metric", "value", "unit");
    CountersByMeasurement counters;
    counters.update(session);
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i)
        for (const CounterRange &range : counters.of({i}))
            for (const CounterRange::Value &value : range.values) {
                const Measurement &m = session.measurements[i];
                const std::string_view metric = session.name(value.metric);
                csv.row(MeasurementId{i}, info(m.op).name, m.variant, range.kernel, session.name(range.name),
                        metric, value.value, metric_unit(metric));
            }
}

void write_pm_samples(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("run", "device", "start_ns", "end_ns", "metric", "value", "unit");
    for (const PmSampleRecord &s : session.pm_samples)
        csv.row(s.run, s.device, s.start_ns, s.end_ns, session.name(s.metric), s.value,
                metric_unit(session.name(s.metric)));
}

void write_device_states(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("run", "device", "time_ns", "sm_clock_mhz", "memory_clock_mhz", "temperature_c",
            "power_w", "clock_event_reasons");
    for (const DeviceStateRecord &s : session.device_states)
        csv.row(s.run, s.device, s.time_ns, s.sm_clock_mhz, s.memory_clock_mhz, s.temperature_c,
                s.power_w, s.clock_event_reasons);
}

void write_pc_samples(const Session &session, std::ostream &out) {
    Csv csv(out);
    csv.row("measurement", "kernel", "pc_offset", "file", "line", "stall", "samples");
    for (const PcSampleRecord &s : session.pc_samples)
        csv.row(s.measurement, session.name(s.kernel), s.pc_offset, session.name(s.file), s.line,
                session.name(s.stall), s.samples);
}

} // namespace

Status export_csv(const Session &session, const std::filesystem::path &folder) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed)
        return Error{fmt::format("{} cannot be written", folder.string()), failed.message(),
                     "name a folder that exists or can be made"};
    struct Table {
        const char *file;
        void (*write)(const Session &, std::ostream &);
    };
    for (const auto &[file, write] :
         {Table{"measurements.csv", write_measurements}, Table{"samples.csv", write_samples},
          Table{"kernels.csv", write_kernels}, Table{"candidates.csv", write_candidates},
          Table{"memory.csv", write_memory}, Table{"counters.csv", write_counters},
          Table{"pm_samples.csv", write_pm_samples},
          Table{"device_states.csv", write_device_states},
          Table{"pc_samples.csv", write_pc_samples}}) {
        const auto table = [&, write = write](std::ostream &out) { write(session, out); };
        if (Status done = replace_file(folder / file, Compression::None, table); !done)
            return done;
    }
    return {};
}

} // namespace moescope
