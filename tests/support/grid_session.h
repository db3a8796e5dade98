// A made-up session of a grid of runs, for crossover maps.
#pragma once

#include "profiler/session/session.h"

namespace moescope::test {

// gate_up on 4 counts of experts x 4 intermediate sizes, fused and split: which is faster changes
// along a line of the logarithms' plane, the cells next to it are within the noise, and one was
// measured twice. Nothing measured.
SessionPtr grid_session();

} // namespace moescope::test
