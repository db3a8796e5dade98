// The kernels behind the measured bandwidth ceilings.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moescope {

inline constexpr std::int64_t kReadGranularity = 64 << 10;

// Reads `bytes` (a multiple of kReadGranularity) once, 16 bytes a thread and load.
void launch_read_bandwidth(const void *data, std::int64_t bytes, cudaStream_t stream);

// Reads them `passes` times, past the L1: from the L2 where they fit into it.
void launch_read_again(const void *data, std::int64_t bytes, int passes, cudaStream_t stream);

} // namespace moescope
