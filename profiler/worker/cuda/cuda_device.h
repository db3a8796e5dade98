// A CUDA GPU as a worker's device: memory on a ledger, repetitions timed by CUDA events, activity
// captured by CUPTI.
#pragma once

#include "profiler/worker/device.h"

#include <memory>
#include <vector>

namespace moescope {

// Every CUDA GPU, with its capabilities. The error says what is missing: a driver, a newer one, a GPU.
Result<std::vector<DeviceInfo>> list_cuda_devices();

// Errors: no such GPU, no driver, a context that cannot be made. A refused capture is no error: it is
// a capability of the device and start_capture() repeats the reason. MOESCOPE_NO_CUPTI=1 leaves
// CUPTI out altogether.
Result<std::unique_ptr<Device>> open_cuda_device(int index, NameTable &names);

} // namespace moescope
