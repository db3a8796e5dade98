// "What holds the memory?": the allocation ledger over time, its peak, what a pool would have left
// over, and full against selective dequantisation.
#pragma once

#include "app/charts/plot.h"
#include "app/views/view_context.h"
#include "profiler/explain/memory_history.h"
#include "profiler/explain/repetition.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace moescope {

struct MemoryState {
    MemoryGrouping grouping = MemoryGrouping::Label;
    std::optional<std::int64_t> chosen_ns; // the moment the table shows; none: the peak
    charts::PlotState plot;
    std::array<charts::PlotState, 2> bars;
    KernelsByMeasurement kernels;

    // What was found out of this snapshot, run and grouping.
    SessionPtr session;
    RunId run;
    MemoryGrouping known_grouping = MemoryGrouping::Label;
    MemoryHistory history;
    std::optional<std::size_t> known_step;
    std::vector<LiveBlock> blocks; // at the step shown
    Fragmentation fragmentation;
};

void draw_memory(const ViewContext &context, MemoryState &state);

} // namespace moescope
