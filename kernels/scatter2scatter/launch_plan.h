// The launches of one scatter2scatter call: which kernel, over how many blocks, told what. Plain
// C++ and no device, so that it is tested without one.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/scatter2scatter_params.jit.cuh"

#include <cstdint>
#include <vector>

namespace moescope::scatter2scatter {

struct Launch {
    KernelShape shape;
    Scatter2ScatterParams params;
    std::int64_t blocks; // of 32 * shape.config.warps threads
    bool resident;       // as many of the blocks as run at one time do all of the work
    bool early;          // may begin while the launch before it ends
};

// Args are checked (check_call), config is valid and slots > 0. MS_UNSUPPORTED where a size is
// beyond what the kernel's 32-bit row offsets or a launch's grid can reach.
ms_status plan_launches(const ms_scatter2scatter_args &args, const ms_tile_config &config,
                        std::vector<Launch> &launches);

} // namespace moescope::scatter2scatter
