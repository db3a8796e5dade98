#include "app/views/routing_tiles.h"

#include "profiler/explain/gap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moescope {

namespace {

// The fastest measurement with this block_m (0: any); invalid if there is none.
MeasurementId measured(const Session &session, RunId run, OperatorId op, int block_m) {
    MeasurementId best;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        if (m.run == run && m.op == op && !m.config.is_default() &&
            (block_m == 0 || m.config.block_m == block_m) &&
            (!best.valid() ||
             (m.time.median > 0 && m.time.median < session.measurements[best.value].time.median)))
            best = {i};
    }
    return best;
}

// Blocks of the measurement's longest kernel that fit one multiprocessor by the occupancy
// calculator; 0 where no kernel was recorded.
int blocks_per_sm(const Session &session, MeasurementId id) {
    const KernelRecord *longest = nullptr;
    for (const KernelRecord &kernel : session.kernels)
        if (kernel.tag.measurement == id && kernel.theoretical_occupancy > 0 &&
            (!longest || kernel.end_ns - kernel.start_ns > longest->end_ns - longest->start_ns))
            longest = &kernel;
    if (!longest)
        return 0;
    const RunRecord &run = session.runs[session.measurements[id.value].run.value];
    return blocks_per_multiprocessor(*longest, run.device);
}

} // namespace

TileFacts tile_facts(const Session &session, RunId run, OperatorId op, int block_m) {
    const Candidate *best = nullptr;
    for (const Candidate &c : session.candidates)
        if (c.run == run && c.op == op && c.config.block_m == block_m && c.time.median > 0 &&
            c.blocks_per_sm > 0 && (!best || c.time.median < best->time.median))
            best = &c;
    if (best)
        return {
            best->config.block_n, best->blocks_per_sm,
            fmt::format("block_n and blocks per SM are those of the fastest tuned tile with this "
                        "block_m: {} ({}).",
                        best->config.text(), best->variant)};
    if (const MeasurementId id = measured(session, run, op, block_m); id.valid()) {
        const TileConfig &config = session.measurements[id.value].config;
        if (const int blocks = blocks_per_sm(session, id); blocks > 0)
            return {config.block_n, blocks,
                    fmt::format("block_n is the measured tile's ({}), blocks per SM what the "
                                "occupancy calculator allows its longest kernel.",
                                config.text())};
        return {config.block_n, 1,
                fmt::format("block_n is the measured tile's ({}); one block per SM is assumed, as "
                            "no kernel was recorded.",
                            config.text())};
    }
    return {128, 1,
            "block_n 128 and one block per SM are assumed: no tile with this block_m was "
            "tuned or measured in this run."};
}

int measured_block_m(const Session &session, RunId run, OperatorId op) {
    const MeasurementId id = measured(session, run, op, 0);
    return id.valid() ? session.measurements[id.value].config.block_m : 64;
}

std::int64_t output_columns(const ModelShape &model, OperatorId op) {
    return op == OperatorId::GateUp ? model.gate_up_columns() : model.expert_hidden();
}

std::int64_t tiles_per_cell(std::int64_t tiles, std::int64_t most) {
    return std::max<std::int64_t>(1, (tiles + most - 1) / std::max<std::int64_t>(1, most));
}

double used_share(const Tiling &tiling, std::span<const std::int32_t> counts, int block_m,
                  std::int64_t first, std::int64_t last) {
    // Rows before a tile: all of the experts before its own, and block_m for each of its own tiles.
    const auto rows_before = [&](std::int64_t tile, auto &&rows_of_experts_before) {
        const std::size_t expert = std::size_t(expert_of_tile(tiling, tile));
        return rows_of_experts_before(expert) + (tile - tiling.first_tile[expert]) * block_m;
    };
    if (first >= last)
        return 0;
    const std::size_t from = std::size_t(expert_of_tile(tiling, first));
    const auto rows_since = [&](std::size_t expert) {
        std::int64_t rows = 0;
        for (std::size_t e = from; e < expert; ++e)
            rows += counts[e];
        return rows;
    };
    const std::int64_t begin = rows_before(first, rows_since);
    const std::int64_t end =
        rows_before(last - 1, rows_since) + used_rows(tiling, counts, block_m, last - 1);
    return double(end - begin) / (double(last - first) * block_m);
}

} // namespace moescope
