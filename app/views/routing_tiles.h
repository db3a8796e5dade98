// Which tile the routing view assumes, and how tiles are put on a limited number of cells.
#pragma once

#include "profiler/explain/routing_math.h"
#include "profiler/session/session.h"

#include <string>
#include <vector>

namespace moescope {

// The row tiles to choose from: the portable family's, and Hopper's own where the run's device has them.
std::vector<RowTile> row_tiles_of(const DeviceInfo &device);

struct TileFacts {
    int block_n = 128;
    int blocks_per_sm = 1;
    std::string source; // where they come from, as a sentence
};
// For a row tile: the fastest tuned candidate's, else the measured configuration's, else
// assumed ones.
TileFacts tile_facts(const Session &session, RunId run, OperatorId op, const RowTile &tile);
// That of an operator's fastest measured configuration in a run; portable, of 64 rows, where there is none.
RowTile measured_tile(const Session &session, RunId run, OperatorId op);
// Output columns of one expert's product: gate_up H -> 2I (or I), down I -> H.
std::int64_t output_columns(const ModelShape &model, OperatorId op);

// Neighbouring tiles drawn as one cell, so that there are at most `most` cells.
std::int64_t tiles_per_cell(std::int64_t tiles, std::int64_t most);
} // namespace moescope
