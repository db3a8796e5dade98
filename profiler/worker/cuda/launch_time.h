// The kernels behind the measured time of a launch.
#pragma once

#include <cuda_runtime_api.h>

namespace moescope {

void launch_empty(cudaStream_t stream);

// Keeps the stream busy for so long: what is queued behind it begins when it ends.
void launch_hold(unsigned long long nanoseconds, cudaStream_t stream);

} // namespace moescope
