// How a batch and its experts are shared between ranks.
#pragma once

#include <algorithm>
#include <cstdint>

namespace moescope {

struct Share {
    std::int64_t first = 0, count = 0;
    friend bool operator==(const Share &, const Share &) = default;
};

// Consecutive parts, as even as can be: the first ranks have one more.
inline Share share_of(std::int64_t total, std::int32_t rank, std::int32_t size) {
    const std::int64_t least = total / size, more = total % size;
    return {rank * least + std::min<std::int64_t>(rank, more), least + (rank < more ? 1 : 0)};
}

} // namespace moescope
