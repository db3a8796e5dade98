// What a GPU is and may do, read from the CUDA runtime.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/records.h"

#include <cuda.h>
#include <cuda_runtime_api.h>

namespace moescope {

// The error names the runtime call.
Status cuda_check(cudaError_t result, const char *call);

// Asked of the driver through the runtime: the worker starts without a driver too, so it links none.
Result<CUcontext> current_context();

// Identity and limits; no context is made. Ceilings are derived from clocks and widths.
Result<DeviceInfo> describe_cuda_device(int index);

// Dense bf16 matrix FLOPs a clock of one multiprocessor (multiply and add count two), from NVIDIA's
// architecture whitepapers; 0 for an architecture not listed.
double matrix_flops_per_clock(int major, int minor);

// Measured: streams a buffer of up to 4 GiB, many times the L2, through the GPU. Bytes a second; the
// best of a few passes.
Result<double> measure_read_bandwidth();
// The same of what lies in the L2 already.
Result<double> measure_l2_bandwidth(std::int64_t l2_bytes);
// Measured: what an empty kernel takes in a row of them that all wait in the stream, from one's start to the
// next one's. Nanoseconds; the least of a few passes.
Result<double> measure_launch_ns();

// Active blocks over the most there can be: the occupancy calculator's, not measured. 0..1.
float theoretical_occupancy(const cudaDeviceProp &properties, const KernelRecord &kernel);

} // namespace moescope
