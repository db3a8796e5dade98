// From a token's choices to tiles of rows, as kernels/routing's counting sort makes them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moescope::lessons {

struct SortedSlots {
    std::vector<std::int32_t> counts, offsets; // [E], [E + 1]
    std::vector<std::int32_t> sorted;          // slots grouped by expert, in their order
};
SortedSlots sort_slots(std::span<const std::int32_t> ids, int experts);

} // namespace moescope::lessons
