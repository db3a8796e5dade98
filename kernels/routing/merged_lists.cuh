// The largest keys of a row that few lanes hold, so that a warp's instructions work for several
// rows: every lane sorts its own keys, and the lists of pairs of lanes, of pairs of pairs and so on
// are merged, all lanes at once.
#pragma once

#include "kernels/routing/sorted_keys.cuh"
#include "kernels/routing/warp.cuh"

#include <cstdint>

namespace moescope {

constexpr int kMergedList = 8; // keys of a list, the largest first

// Every lane's list becomes that of the lanes whose numbers differ in the bits from kFrom to below
// kTo.
template <int kFrom, int kTo>
__device__ inline void merge_lists(std::uint32_t (&list)[kMergedList]) {
#pragma unroll
    for (int distance = kFrom; distance < kTo; distance *= 2) {
        std::uint32_t other[kMergedList];
#pragma unroll
        for (int i = 0; i < kMergedList; ++i)
            other[i] = __shfl_xor_sync(kFullWarp, list[i], distance);
        merge_sorted(list, other);
    }
}

// list[i], from registers.
__device__ inline std::uint32_t listed(const std::uint32_t (&list)[kMergedList], int i) {
    std::uint32_t some[kMergedList];
#pragma unroll
    for (int j = 0; j < kMergedList; ++j)
        some[j] = list[j];
#pragma unroll
    for (int bit = 1; bit < kMergedList; bit *= 2)
#pragma unroll
        for (int j = 0; j < kMergedList; j += 2 * bit)
            some[j] = i & bit ? some[j + bit] : some[j];
    return some[0];
}

} // namespace moescope
