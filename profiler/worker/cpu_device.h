// The CPU as a device: the reference implementations, really run and timed by the host's clock.
#pragma once

#include "profiler/worker/device.h"

#include <memory>

namespace moescope {

// `info` describes it (cpu_info.h); nothing is measured here.
std::unique_ptr<Device> make_cpu_device(DeviceInfo info, NameTable &names);

} // namespace moescope
