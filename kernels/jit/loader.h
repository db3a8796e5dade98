// From a cubin to something that can be launched, through the CUDA runtime alone.
#pragma once

#include "kernels/jit/compiler.h"

#include <cuda_runtime_api.h>

#include <memory>
#include <string>

namespace moescope::jit {

// The architecture NVRTC should compile for on the current device: "sm_90a" on Hopper, whose own
// instructions need the suffix, "sm_XY" elsewhere.
ms_status current_arch(std::string &arch);

// The kernel on the current device, ready for launches with dynamic_smem_bytes of shared memory.
// Loaded once per process and device. MS_UNSUPPORTED, with the bytes needed and available, when a
// block of the device has less shared memory.
ms_status load(const std::shared_ptr<const Cubin> &cubin, int dynamic_smem_bytes,
               cudaKernel_t &kernel);

} // namespace moescope::jit
