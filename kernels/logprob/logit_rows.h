// Where the rows of an ms_logits, or of a gradient of its shape, lie.
#pragma once

#include "kernels/common/host_device.h"
#include "kernels/include/moescope/kernels.h"

#include <cstdint>

namespace moescope::logprob {

// Three leading dimensions; the last one is the fastest.
struct RowMap {
    std::int64_t sizes[3];
    std::int64_t strides[3];

    // Elements from the first row to this one.
    MS_HOST_DEVICE std::int64_t offset(std::int64_t row) const {
        if (sizes[0] == 1 && sizes[1] == 1)
            return row * strides[2];
        const std::int64_t outer = row / sizes[2];
        return outer / sizes[1] * strides[0] + outer % sizes[1] * strides[1] +
               row % sizes[2] * strides[2];
    }
};

// Dimensions of size 1 dropped and those that continue one another merged: most tensors turn out a
// plain matrix.
inline RowMap row_map(const std::int64_t (&sizes)[3], const std::int64_t (&strides)[3]) {
    RowMap map{{1, 1, 1}, {0, 0, 0}};
    int filled = 3;
    for (int i = 2; i >= 0; --i) {
        if (sizes[i] == 1)
            continue;
        if (filled < 3 && strides[i] == map.sizes[filled] * map.strides[filled]) {
            map.sizes[filled] *= sizes[i];
        } else {
            map.sizes[--filled] = sizes[i];
            map.strides[filled] = strides[i];
        }
    }
    return map;
}

inline std::int64_t row_count(const ms_logits &logits) {
    return logits.sizes[0] * logits.sizes[1] * logits.sizes[2];
}

} // namespace moescope::logprob
