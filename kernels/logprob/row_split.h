// How many thread blocks share a row. With many rows each block takes a whole one; with few they
// are cut into parts, so that every multiprocessor has work.
#pragma once

#include "kernels/common/host_device.h"

#include <cstdint>

namespace moescope::logprob {

constexpr int kUnitVectors = 64; // rows are cut at multiples of this: 1 KB

struct RowSplit {
    int units; // of kUnitVectors in a row
    int parts;

    // First unit of a part; its end is the next part's first.
    MS_HOST_DEVICE int first(int part) const {
        const int share = units / parts, more = units % parts;
        return part * share + (part < more ? part : more);
    }
};

// `slots`: thread blocks that run at once. Never more than most_parts over all rows, unless there
// are more rows than that.
RowSplit split_rows(std::int64_t rows, int units, int slots, std::int64_t most_parts);

} // namespace moescope::logprob
