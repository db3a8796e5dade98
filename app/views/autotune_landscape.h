// The tuner's candidates laid out as panels of grids, sorted and counted.
#pragma once

#include "app/views/number.h"
#include "profiler/session/session.h"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

enum class TileField { BlockM, BlockN, BlockK, Warps, Stages };
inline constexpr std::array<TileField, 5> kTileFields{
    TileField::BlockM, TileField::BlockN, TileField::BlockK, TileField::Warps, TileField::Stages};
int value_of(const TileConfig &config, TileField field);
const char *name_of(TileField field); // "block_m"

// Candidates of one operator x variant in a run; of those with the same tile the last one.
std::vector<CandidateId> candidates_of(const Session &session, RunId run, OperatorId op,
                                       std::string_view variant);

struct Tally {
    int timed = 0, pruned = 0, failed = 0, waiting = 0; // waiting: queued or compiling
    double best_ns = 0, worst_ns = 0;                   // of the timed; 0 while there is none
    CandidateId best;
    int total() const { return timed + pruned + failed + waiting; }
};
Tally tally(const Session &session, std::span<const CandidateId> candidates);

struct Landscape {
    struct Panel {
        std::array<int, 3> key{};       // values of panel_fields
        std::vector<int> rows, columns; // values that a candidate of the panel has, rising
        std::vector<CandidateId> cells; // [rows * columns]; invalid where there is no candidate
        double best_ns = 0;             // 0: none is timed
    };
    std::array<TileField, 3> panel_fields{};
    std::vector<Panel> panels; // the one with the fastest tile first; while candidates wait, keys rising: none jumps
};
// Rows by one field, columns by another, a panel for each combination of the other three.
Landscape pivot(const Session &session, std::span<const CandidateId> candidates, TileField row,
                TileField column);

// Place on the colour scale: 1 for the best, 0 for the slowest shown, by the logarithm of time. The
// scale ends at 4 times the best, so that one very slow candidate does not hide the rest.
float heat_of(double time_ns, const Tally &tally);
double slowest_shown(const Tally &tally); // ratio to the best

enum class CandidateColumn { Tile, Median, Registers, Smem, Spills, Blocks, Compile };
// By a column; candidates that have no time go last when sorted by time, whatever the direction.
void sort_candidates(const Session &session, std::vector<CandidateId> &candidates,
                     CandidateColumn column, bool descending);

// What happened to a candidate and why, in a few lines.
std::string explain(const Candidate &candidate, double best_ns);
// The same, each thing with how it came about; its tile is the title.
std::vector<ui::Fact> facts_of(const Candidate &candidate, double best_ns);

} // namespace moescope
