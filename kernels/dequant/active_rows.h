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

// No kernel that reads the list by these writes it: read-only loads, which the L1 keeps between blocks.
MS_HOST_DEVICE inline std::int32_t load_id(const std::int32_t *id) {
#ifdef __CUDA_ARCH__
    return __ldg(id);
#else
    return *id;
#endif
}

MS_HOST_DEVICE inline std::int32_t row_count(const ActiveRows &rows, std::int32_t count) {
    return count < 0 ? 0 : count < rows.capacity ? count : rows.capacity;
}
MS_HOST_DEVICE inline std::int32_t expert_of_id(const ActiveRows &rows, std::int32_t id) {
    return id >= 0 && id < rows.experts ? id : -1;
}

// Rows that have an expert.
MS_HOST_DEVICE inline std::int32_t row_count(const ActiveRows &rows) {
    return rows.active == nullptr ? rows.experts : row_count(rows, load_id(rows.count));
}

// The expert of a row, or -1 for an id that is none: its row is left as it is.
MS_HOST_DEVICE inline std::int32_t expert_of(const ActiveRows &rows, std::int64_t row) {
    return expert_of_id(rows, rows.active == nullptr ? std::int32_t(row) : load_id(rows.active + row));
}

} // namespace moescope
