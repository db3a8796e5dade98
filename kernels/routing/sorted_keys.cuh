// Keys that lanes hold in registers: reductions over the lanes of a row, and sorting a lane's own.
#pragma once

#include "kernels/routing/warp.cuh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace moescope {

// Reductions over the kWidth lanes whose numbers differ in the lower bits; every lane gets the
// result, and the whole warp takes part.
template <int kWidth> struct Lanes {
    template <class T, class Combine> __device__ static T reduce(T value, Combine combine) {
#pragma unroll
        for (int distance = kWidth / 2; distance > 0; distance /= 2)
            value = combine(value, T(__shfl_xor_sync(kFullWarp, value, distance)));
        return value;
    }
    template <class T> __device__ static T sum(T value) {
        return reduce(value, [](T a, T b) { return a + b; });
    }
    __device__ static std::uint32_t max(std::uint32_t value) {
        if constexpr (kWidth == kWarpSize)
            return __reduce_max_sync(kFullWarp, value);
        else
            return reduce(value, [](std::uint32_t a, std::uint32_t b) { return a > b ? a : b; });
    }
};

// Batcher's odd-even merge sort as a list of comparators, made by the compiler.
template <int kItems> struct SortNetwork {
    struct Comparator {
        int upper, lower; // the larger key goes to `upper`, the smaller index
    };
    template <class Visit> static constexpr void for_each(Visit visit) {
        for (int run = 1; run < kItems; run *= 2)
            for (int distance = run; distance > 0; distance /= 2)
                for (int start = distance % run; start + distance < kItems; start += 2 * distance)
                    for (int i = start; i < start + distance && i + distance < kItems; ++i)
                        if (i / (2 * run) == (i + distance) / (2 * run))
                            visit(i, i + distance);
    }
    static constexpr int count() {
        int total = 0;
        for_each([&](int, int) { ++total; });
        return total;
    }
    static constexpr auto comparators() {
        std::array<Comparator, std::size_t(count())> list{};
        std::size_t next = 0;
        for_each([&](int upper, int lower) { list[next++] = {upper, lower}; });
        return list;
    }
};

__device__ inline void order(std::uint32_t &upper, std::uint32_t &lower) {
    const std::uint32_t larger = max(upper, lower);
    lower = min(upper, lower);
    upper = larger;
}

template <int kCount> inline constexpr auto kComparators = SortNetwork<kCount>::comparators();

// Sorts kCount of a lane's own keys, the largest first.
template <int kCount> __device__ inline void sort_descending(std::uint32_t *keys) {
    [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
        (order(keys[std::integral_constant<int, kComparators<kCount>[kIndex].upper>::value],
               keys[std::integral_constant<int, kComparators<kCount>[kIndex].lower>::value]),
         ...);
    }
    (std::make_index_sequence<std::size_t(SortNetwork<kCount>::count())>());
}

// list = the kList largest of two sorted lists, sorted. kList is a power of two.
template <int kList>
__device__ inline void merge_sorted(std::uint32_t (&list)[kList],
                                    const std::uint32_t (&next)[kList]) {
#pragma unroll
    for (int i = 0; i < kList; ++i) // the largest of both, first rising and then falling
        list[i] = max(list[i], next[kList - 1 - i]);
#pragma unroll
    for (int distance = kList / 2; distance > 0; distance /= 2)
#pragma unroll
        for (int i = 0; i < kList; ++i)
            if ((i & distance) == 0)
                order(list[i], list[i + distance]);
}

// list = the kList largest of a lane's own keys, the largest first. kList is kItems, or a power of
// two that divides it.
template <int kItems, int kList>
__device__ inline void largest_of(const std::uint32_t (&keys)[kItems],
                                  std::uint32_t (&list)[kList]) {
    static_assert(kItems % kList == 0);
#pragma unroll
    for (int i = 0; i < kList; ++i)
        list[i] = keys[i];
    sort_descending<kList>(list);
#pragma unroll
    for (int start = kList; start < kItems; start += kList) {
        std::uint32_t next[kList];
#pragma unroll
        for (int i = 0; i < kList; ++i)
            next[i] = keys[start + i];
        sort_descending<kList>(next);
        merge_sorted(list, next);
    }
}

} // namespace moescope
