// The main loop of a tile kernel, slab by slab of the inner size: what is loaded, waits and is
// multiplied at every moment.
#pragma once

#include "profiler/plan/plan.h"

#include <vector>

namespace moescope::lessons {

// FLOP a byte read of a tile whose slabs are read once: 2mnk / ((m + n) k b).
double tile_intensity(int block_m, int block_n, int element_bytes);

struct Pipeline {
    enum class Slab { Waiting, Loading, Ready, Multiplied };
    struct Moment {
        std::vector<Slab> slabs;
        int multiplying = -1; // the slab at work in the matrix units; -1: they wait
    };
    std::vector<Moment> moments;
    int idle = 0; // moments in which the matrix units wait
};
// `stages` buffers in shared memory; a load takes `latency` moments, a product one, and one load begins
// a moment. A buffer is free again once its slab is multiplied.
Pipeline run_pipeline(int slabs, int stages, int latency);

} // namespace moescope::lessons
