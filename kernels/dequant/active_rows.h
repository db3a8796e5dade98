// Which experts the rows of an output stand for; the same reading on host and device.
#pragma once

#include "kernels/common/host_device.h"

#include <cstdint>

namespace moescope {

struct ActiveRows {
    const std::int32_t *active; // null: row r is expert r
    const std::int32_t *count;  // with active
    std::int32_t capacity;
    std::int32_t experts;
};

// Rows that have an expert.
MS_HOST_DEVICE inline std::int32_t row_count(const ActiveRows &rows) {
    if (rows.active == nullptr)
        return rows.experts;
    const std::int32_t count = *rows.count;
    return count < 0 ? 0 : count < rows.capacity ? count : rows.capacity;
}

// The expert of a row, or -1 for an id that is none: its row is left as it is.
MS_HOST_DEVICE inline std::int32_t expert_of(const ActiveRows &rows, std::int64_t row) {
    const std::int32_t expert = rows.active == nullptr ? std::int32_t(row) : rows.active[row];
    return expert >= 0 && expert < rows.experts ? expert : -1;
}

} // namespace moescope
