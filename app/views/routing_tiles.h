// Which tile the routing view assumes, and how tiles are put on a limited number of cells.
#pragma once

#include "profiler/explain/routing_math.h"
#include "profiler/session/session.h"

#include <string>

namespace moescope {

inline constexpr int kRowTileSizes[] = {16, 32, 64, 128};

struct TileFacts {
    int block_n = 128;
    int blocks_per_sm = 1;
    std::string source; // where they come from, as a sentence
};
// For row tiles of block_m: the fastest tuned candidate's, else the measured configuration's, else
// assumed ones.
TileFacts tile_facts(const Session &session, RunId run, OperatorId op, int block_m);
// block_m of the measured configuration of an operator in a run; 64 where there is none.
int measured_block_m(const Session &session, RunId run, OperatorId op);
// Output columns of one expert's product: gate_up H -> 2I (or I), down I -> H.
std::int64_t output_columns(const ModelShape &model, OperatorId op);

// Neighbouring tiles drawn as one cell, so that there are at most `most` cells.
std::int64_t tiles_per_cell(std::int64_t tiles, std::int64_t most);
// Rows that hold slots over all rows, of tiles [first, last).
double used_share(const Tiling &tiling, std::span<const std::int32_t> counts, int block_m,
                  std::int64_t first, std::int64_t last);

} // namespace moescope
