// Group-limited routing of one token, with the kernels' own arithmetic.
#pragma once

#include "profiler/model/model_shape.h"

#include <vector>

namespace moescope::lessons {

struct GroupRouting {
    std::vector<float> scores;       // [E] sigmoid of the logits
    std::vector<float> group_scores; // [groups]
    std::vector<int> kept;           // groups, the best first
};
// Without a correction bias.
GroupRouting group_routing(const ModelShape &model, const std::vector<float> &logits);

} // namespace moescope::lessons
