// How far apart two results of one operator are.
#pragma once

#include "profiler/worker/device.h"
#include "profiler/worker/operators/operator.h"

#include <cstddef>
#include <vector>

namespace moescope {

// One output, or an evenly spread part of it, on the host.
struct HostArray {
    OutputView::Type type = OutputView::Type::F32;
    std::vector<std::byte> bytes;
};

// The selected variant's outputs; of large ones the same 64 MiB spread over all of them each time.
Result<std::vector<HostArray>> download_outputs(Device &device, const Operator &op);

// ||y - reference|| / ||reference|| over all floating-point arrays, in double. 1 where that means
// nothing: a different integer, NaN or infinity against a number, arrays of other sizes.
double relative_error(const std::vector<HostArray> &y, const std::vector<HostArray> &reference);

} // namespace moescope
