// How many blocks of a kernel fit one multiprocessor at once, from what the compiler reported: the
// arithmetic of the CUDA occupancy calculator (cuda_occupancy.h) for compute capability 8.0 and up.
#pragma once

#include "profiler/session/records.h"

#include <cstdint>

namespace moescope {

struct BlockResources {
    std::int32_t threads = 0;
    std::int32_t registers = 0; // a thread
    std::int64_t smem_bytes = 0; // static and dynamic together
};

// 0: a block does not fit at all.
std::int32_t blocks_per_multiprocessor(const DeviceInfo &device, const BlockResources &block);

// Resident blocks an architecture allows, whatever their size.
std::int32_t most_blocks_per_multiprocessor(std::int32_t compute_major, std::int32_t compute_minor);

} // namespace moescope
