#include "kernels/logprob/row_split.h"

#include <algorithm>

namespace moescope::logprob {

namespace {

// Starting a block and adding up its threads takes as long as its share of the memory's speed takes
// for about this many units (24 KB at 11 GB/s a block: 2 us).
constexpr std::int64_t kBlockOverhead = 24;
constexpr int kSmallestPart = 4;

} // namespace

RowSplit split_rows(std::int64_t rows, int units, int slots, std::int64_t most_parts) {
    const std::int64_t most =
        std::clamp<std::int64_t>(std::min<std::int64_t>(units / kSmallestPart, most_parts / rows),
                                 1, units);
    RowSplit best{units, 1};
    std::int64_t best_time = -1;
    for (int parts = 1; parts <= most && parts <= slots; ++parts) {
        const std::int64_t waves = (rows * parts + slots - 1) / slots;
        const std::int64_t time = waves * ((units + parts - 1) / parts + kBlockOverhead);
        if (best_time >= 0 && time >= best_time)
            continue;
        best_time = time;
        best.parts = parts;
    }
    return best;
}

} // namespace moescope::logprob
