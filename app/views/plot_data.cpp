#include "app/views/plot_data.h"

#include "profiler/export/csv_rows.h"
#include "profiler/session/record_names.h"

#include <sstream>

namespace moescope {

namespace {

template <typename Write> std::string table(const Write &write) {
    std::ostringstream out;
    {
        Csv csv(out);
        write(csv);
    }
    return out.str();
}

} // namespace

std::string roofline_csv(const Session &session, std::span<const RooflinePoint> intensity,
                         std::span<const RooflinePoint> size) {
    return table([&](Csv &csv) {
        csv.row("operator", "variant", "tile", "median_ns", "floor_ns", "flop", "least_bytes", "counted_bytes", "flop_per_s",
                "least_bytes_per_s");
        for (const bool by_size : {false, true})
            for (const RooflinePoint &point : by_size ? size : intensity) {
                const Measurement &m = session.measurements[point.id.value];
                const double counted = !point.measured ? 0 : by_size ? point.measured->x : m.cost.flops / point.measured->x;
                csv.row(info(m.op).name, m.variant, m.config.text(), m.time.median, m.floor_ns, m.cost.flops, m.cost.bytes,
                        known(point.measured.has_value(), counted), m.achieved_flops_per_second(),
                        m.achieved_bytes_per_second());
            }
    });
}

std::string memory_csv(const Session &session, const MemoryHistory &history) {
    return table([&](Csv &csv) {
        csv.row("after_start_ns", "change_bytes", "label", "group", "group_bytes", "total_bytes");
        for (std::size_t step = 0; step < history.steps.size(); ++step) {
            const MemoryHistory::Step &at = history.steps[step];
            for (std::size_t group = 0; group < history.groups.size(); ++group)
                csv.row(at.time_ns - history.start_ns, at.change, at.label.valid() ? session.name(at.label) : "",
                        history.groups[group], history.of(step, group), at.total);
        }
    });
}

std::string footprint_csv(const Session &session, std::span<const MeasurementId> rows) {
    return table([&](Csv &csv) {
        csv.row("operator", "variant", "input_bytes", "output_bytes", "workspace_bytes", "peak_bytes");
        for (const MeasurementId id : rows) {
            const Measurement &m = session.measurements[id.value];
            csv.row(info(m.op).name, m.variant, m.input_bytes, m.output_bytes, m.workspace_bytes, m.peak_bytes);
        }
    });
}

std::string sweep_csv(const Session &session, const FoundSweep &sweep, std::span<const SweepLine> lines) {
    return table([&](Csv &csv) {
        csv.row("operator", "variant", sweep.parameter->name, "median_ns", "p10_ns", "p90_ns", "samples", "floor_ns");
        for (const SweepLine &line : lines)
            for (const SweepLine::Point &point : line.points) {
                const Measurement &m = session.measurements[point.id.value];
                csv.row(info(line.op).name, line.variant, sweep.points[point.at].value, m.time.median, m.time.p10, m.time.p90,
                        m.time.samples, m.floor_ns);
            }
    });
}

std::string crossover_csv(const CrossoverMap &map) {
    return table([&](Csv &csv) {
        csv.row("operator", map.x->name, map.y->name, "a", "a_median_ns", "b", "b_median_ns", "b_over_a", "low", "high",
                "decided");
        for (const CrossoverCell &cell : map.cells)
            csv.row(info(map.op).name, cell.x, cell.y, map.a, cell.a_ns, map.b, cell.b_ns, cell.ratio, cell.low, cell.high,
                    int(cell.decided));
    });
}

std::string candidates_csv(const Session &session, std::span<const CandidateId> candidates) {
    return table([&](Csv &csv) {
        csv.row("operator", "variant", "block_m", "block_n", "block_k", "warps", "stages", "fate", "reason", "registers",
                "smem_bytes", "median_ns");
        for (const CandidateId id : candidates) {
            const Candidate &c = session.candidates[id.value];
            csv.row(info(c.op).name, c.variant, c.config.block_m, c.config.block_n, c.config.block_k, c.config.warps,
                    c.config.stages, name_of(c.fate), c.reason, c.registers, c.smem_bytes,
                    known(c.time.samples > 0, c.time.median));
        }
    });
}

std::string dispatch_csv(const Session &session, std::span<const std::pair<MeasurementId, Breakdown>> rows) {
    return table([&](Csv &csv) {
        csv.row("operator", "variant", "median_ns", "kernel", "from_ns", "duration_ns", "gap_before_ns");
        for (const auto &[id, breakdown] : rows) {
            const Measurement &m = session.measurements[id.value];
            if (breakdown.parts.empty())
                csv.row(info(m.op).name, m.variant, m.time.median, "", "", "", "");
            for (const KernelPart &part : breakdown.parts)
                csv.row(info(m.op).name, m.variant, m.time.median, session.name(session.kernels[part.kernel].name), part.from_ns,
                        part.duration_ns, part.gap_before_ns);
        }
    });
}

std::string comparison_csv(const Comparison &comparison) {
    return table([&](Csv &csv) {
        csv.row("operator", "a_variant", "b_variant", "where", "a_median_ns", "b_median_ns", "b_over_a", "low", "high",
                "verdict");
        for (const ComparedRow &row : comparison.rows) {
            const RatioInterval ratio = row.time.ratio.value_or(RatioInterval{});
            const bool has = row.time.ratio.has_value();
            csv.row(info(row.op).name, row.a_variant, row.b_variant, row.where, row.time.a_ns, row.time.b_ns,
                    known(has, ratio.ratio), known(has, ratio.low), known(has, ratio.high), name_of(row.time.change));
        }
    });
}

std::string routing_csv(const RoutingRecord &routing) {
    return table([&](Csv &csv) {
        csv.row("expert", "slots");
        for (std::size_t expert = 0; expert < routing.counts.size(); ++expert)
            csv.row(expert, routing.counts[expert]);
    });
}

std::string timeline_csv(const Session &session, std::int64_t start_ns, std::int64_t end_ns) {
    return table([&](Csv &csv) {
        csv.row("start_ns", "duration_ns", "kernel", "device", "stream", "operator", "variant", "repetition");
        for (const KernelRecord &kernel : session.kernels) {
            if (kernel.end_ns < start_ns || kernel.start_ns > end_ns)
                continue;
            const bool has = kernel.tag.measurement.value < session.measurements.size();
            const Measurement *m = has ? &session.measurements[kernel.tag.measurement.value] : nullptr;
            csv.row(kernel.start_ns, kernel.end_ns - kernel.start_ns, session.name(kernel.name), kernel.device, kernel.stream,
                    m ? info(m->op).name : std::string_view(), m ? std::string_view(m->variant) : "", kernel.tag.repetition);
        }
    });
}

} // namespace moescope
