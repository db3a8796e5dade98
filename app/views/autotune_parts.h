// The parts of the autotune view: grids, table, scatter.
#pragma once

#include "app/views/autotune.h"

namespace moescope {

void draw_landscape(const ViewContext &context, AutotuneState &state,
                    const std::vector<CandidateId> &candidates, const Tally &tally);
// What the table wants, so that nothing in it is cut.
float candidate_table_width(const Session &session, const std::vector<CandidateId> &candidates);
// Of the given size; sorts a copy of the candidates.
void draw_candidate_table(const ViewContext &context, AutotuneState &state,
                          std::vector<CandidateId> candidates, const Tally &tally, ImVec2 size);
void draw_candidate_scatter(const ViewContext &context, AutotuneState &state,
                            const std::vector<CandidateId> &candidates, const Tally &tally,
                            ImVec2 size);

} // namespace moescope
