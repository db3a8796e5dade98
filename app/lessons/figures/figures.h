// The figures: each in a file of its own, made of the workload's and the session's real values.
#pragma once

#include "app/lessons/figure.h"

namespace moescope::lessons {

Figure softmax_topk_figure(const FigureInputs &inputs);
Figure group_limited_figure(const FigureInputs &inputs);
Figure bitonic_sort_figure(const FigureInputs &inputs);
Figure block_merge_sort_figure(const FigureInputs &inputs);
Figure tokens_to_tiles_figure(const FigureInputs &inputs);
Figure tile_pipeline_figure(const FigureInputs &inputs);
Figure lora_paths_figure(const FigureInputs &inputs);
Figure ordered_sums_figure(const FigureInputs &inputs);
Figure nf4_block_figure(const FigureInputs &inputs);
Figure online_softmax_figure(const FigureInputs &inputs);
Figure roofline_reading_figure(const FigureInputs &inputs);

} // namespace moescope::lessons
