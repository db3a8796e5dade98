// What Hopper's copy engine must know of an array in device memory to fetch boxes of it.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <array>
#include <cstdint>

namespace moescope::jit {

// A CUtensorMap, opaque here; a kernel takes it as a __grid_constant__ parameter.
struct alignas(64) TensorMap {
    std::array<std::uint64_t, 16> opaque;
};

// Matrices of 16-bit elements one behind the other. Boxes are box_rows rows of 64 elements (128 bytes)
// of one matrix, written to shared memory with the 128-byte swizzle; outside the matrix they are 0.
struct TensorLayout {
    ms_dtype dtype = MS_BF16;
    const void *data = nullptr;            // 16-byte aligned
    std::array<std::uint64_t, 3> sizes{};  // elements a row, rows a matrix, matrices
    std::uint64_t row_elements = 0;        // from row to row: a multiple of 8
    std::uint32_t box_rows = 0;            // 1..256
    std::uint32_t l2_bytes = 256;          // the L2 reads at least this much of a row: 128 or 256
};

// MS_UNSUPPORTED where the driver has no such maps.
ms_status encode_tensor_map(const TensorLayout &layout, TensorMap &map);

} // namespace moescope::jit
