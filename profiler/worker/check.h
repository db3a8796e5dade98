// How far apart two results of one operator are.
#pragma once

#include "profiler/worker/device.h"
#include "profiler/worker/operators/operator.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moescope {

// One output, or an evenly spread part of it, on the host.
struct HostArray {
    OutputView::Type type = OutputView::Type::F32;
    std::vector<std::byte> bytes;
};

// The parts of an array that stand for all of it: `share` of its elements in a few runs, of which one
// begins with the first element and one ends with the last.
struct Piece {
    std::int64_t first = 0, count = 0;
};
std::vector<Piece> pieces_of(std::int64_t count, std::int64_t element_bytes, double share);

// The selected variant's outputs; of large ones the same 64 MiB spread over all of them each time.
Result<std::vector<HostArray>> download_outputs(Device &device, const Operator &op);

// ||y - reference|| / ||reference|| over all floating-point arrays, in double. 1 where that means
// nothing: a different integer, NaN or infinity against a number, arrays of other sizes.
double relative_error(const std::vector<HostArray> &y, const std::vector<HostArray> &reference);

} // namespace moescope
