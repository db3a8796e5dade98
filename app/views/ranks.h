// "How do the GPUs share it?": an expert-parallel run of several ranks. Who sends how much to whom, what
// dispatch, experts and combine take on each, and what their links carry.
#pragma once

#include "app/views/view_context.h"
#include "profiler/explain/parallel.h"

#include <array>
#include <optional>
#include <vector>

namespace moescope {

struct RanksState {
    // What was found out of this snapshot and run.
    SessionPtr session;
    RunId run;
    std::vector<RunId> ranks;
    std::optional<RankTraffic> traffic;
    std::vector<RankStep> steps;
};

// The three steps one after the other on one rank, and the layer measured whole; 0: not measured.
struct RankSplit {
    std::array<double, 3> steps_ns{}; // dispatch with its counts, experts, combine
    double layer_ns = 0;
    double total_ns() const { return steps_ns[0] + steps_ns[1] + steps_ns[2]; }
};
std::vector<RankSplit> rank_splits(const Session &session, const std::vector<RankStep> &steps, std::size_t ranks);

void draw_ranks(const ViewContext &context, RanksState &state);

} // namespace moescope
