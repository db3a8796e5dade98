// The kernel behind the measured bandwidth ceiling.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace moescope {

inline constexpr std::int64_t kReadGranularity = 64 << 10;

// Reads `bytes` (a multiple of kReadGranularity) once, 16 bytes a thread and load.
void launch_read_bandwidth(const void *data, std::int64_t bytes, cudaStream_t stream);

} // namespace moescope
