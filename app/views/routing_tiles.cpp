#include "app/views/routing_tiles.h"

#include "kernels/scatter2scatter/tile_configs.h"
#include "profiler/explain/gap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moescope {

namespace {

// The fastest measurement with this row tile (null: any); invalid if there is none.
MeasurementId measured(const Session &session, RunId run, OperatorId op, const RowTile *tile) {
    MeasurementId best;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        if (m.run == run && m.op == op && !m.config.is_default() &&
            (!tile || row_tile(m.config) == *tile) &&
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

TileFacts tile_facts(const Session &session, RunId run, OperatorId op, const RowTile &tile) {
    const Candidate *best = nullptr;
    for (const Candidate &c : session.candidates)
        if (c.run == run && c.op == op && row_tile(c.config) == tile && c.time.median > 0 &&
            c.blocks_per_sm > 0 && (!best || c.time.median < best->time.median))
            best = &c;
    if (best)
        return {
            best->config.block_n, best->blocks_per_sm,
            fmt::format("block_n and blocks per SM are those of the fastest tuned tile of these "
                        "rows: {} ({}).",
                        best->config.text(), best->variant)};
    if (const MeasurementId id = measured(session, run, op, &tile); id.valid()) {
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
            "block_n 128 and one block per SM are assumed: no tile of these rows was "
            "tuned or measured in this run."};
}

RowTile measured_tile(const Session &session, RunId run, OperatorId op) {
    const MeasurementId id = measured(session, run, op, nullptr);
    return id.valid() ? row_tile(session.measurements[id.value].config) : RowTile();
}

std::vector<RowTile> row_tiles_of(const DeviceInfo &device) {
    std::vector<RowTile> tiles;
    for (const int size : scatter2scatter::row_tile_sizes(MS_TILE_MMA_SYNC))
        tiles.push_back({size, false});
    if (device.arch.starts_with("sm_90"))
        for (const int size : scatter2scatter::row_tile_sizes(MS_TILE_WGMMA))
            tiles.push_back({size, true});
    return tiles;
}

std::int64_t output_columns(const ModelShape &model, OperatorId op) {
    return op == OperatorId::GateUp ? model.gate_up_columns() : model.expert_hidden();
}

std::int64_t tiles_per_cell(std::int64_t tiles, std::int64_t most) {
    return std::max<std::int64_t>(1, (tiles + most - 1) / std::max<std::int64_t>(1, most));
}

} // namespace moescope
