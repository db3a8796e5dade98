// The sorts that pick a token's experts, state by state: the kernels' own steps on packed keys.
#pragma once

#include <cstdint>
#include <vector>

namespace moescope::lessons {

inline constexpr int kWarpLanes = 32;

// One exchange of a bitonic sort: every lane looks at the key of lane ^ distance and keeps the larger
// or the smaller one.
struct BitonicStep {
    int run = 0, distance = 0;
    std::vector<std::uint64_t> keys; // [32] afterwards
};
// As kernels/routing/topk_warp_bitonic.cu sorts them, the largest in lane 0. keys: at most 32; lanes
// without one hold 0.
std::vector<BitonicStep> bitonic_steps(std::vector<std::uint64_t> keys);

// How the block merge sort deals a row's experts to threads: kernels/routing/topk_block_merge_sort.cu.
struct BlockShape {
    int threads = 32, items = 2; // keys of a thread
    int keys() const { return threads * items; }
};
BlockShape block_shape(int experts);

// One round: pairs of sorted runs become one.
struct MergeRound {
    int run = 0;                     // keys of a sorted run
    std::vector<std::uint64_t> keys; // [threads * items], a thread's own beside one another
};
// As loaded (thread t holds the keys t, t + threads, ...; runs of 1), as each thread has sorted its
// own, then after each doubling of the runs, as cub::BlockMergeSort does.
std::vector<MergeRound> merge_rounds(const std::vector<std::uint64_t> &keys, BlockShape shape);

} // namespace moescope::lessons
