// "Which tile?": every tile configuration the tuner considered, live while it does.
#pragma once

#include "app/charts/plot.h"
#include "app/views/autotune_landscape.h"
#include "app/views/view_context.h"

namespace moescope {

struct AutotuneState {
    OperatorId op = OperatorId::GateUp;
    std::string variant;
    bool chosen = false; // by the user; until then the view follows the selection
    TileField row = TileField::BlockM, column = TileField::BlockN;
    CandidateColumn sorted_by = CandidateColumn::Median;
    bool descending = false;
    bool against_registers = false; // the scatter's x axis: shared memory, or registers
    charts::PlotState scatter;
    CandidateId hovered; // last frame's, so that the table and the grids light up together
    CandidateId next_hovered;
};

void draw_autotune(const ViewContext &context, AutotuneState &state);

} // namespace moescope
