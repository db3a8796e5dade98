// "What holds the memory?": the allocation ledger over time, its peak, what a pool would have left
// over, and full against selective dequantisation.
#pragma once

#include "app/charts/plot.h"
#include "app/views/memory_words.h"
#include "app/views/view_context.h"
#include "profiler/explain/memory_history.h"
#include "profiler/explain/repetition.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
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
    struct Variants { // of dequantisation, and of the layer
        std::array<std::string, 2> verdicts;
        std::array<std::vector<MemoryRow>, 2> rows;
        std::vector<PlanItem> missing; // to compare selective and full
    };
    std::optional<Variants> variants;
    // When the selected measurement's kernels ran; the end before the start where there are none.
    MeasurementId selected;
    std::int64_t selected_from_ns = 0, selected_to_ns = -1;
};

void draw_memory(const ViewContext &context, MemoryState &state);

} // namespace moescope
