// The kernel behind the measured bandwidth ceiling.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moescope {

// Reads `bytes` (a multiple of 16) once, 16 bytes a thread and load.
void launch_read_bandwidth(const void *data, std::int64_t bytes, int multiprocessors, cudaStream_t stream);

} // namespace moescope
