// The distinct experts among few ids, found by every block for itself in shared memory: a list of
// active experts without a launch of its own. A bit set: the order of the atomics does not show.
#pragma once

#include "kernels/include/moescope/dequant.h"

#include <cstdint>

namespace moescope {

struct FoundExperts {
    static constexpr int kMaxExperts = 4096;
    static constexpr int kWords = kMaxExperts / 32;
    static constexpr std::int64_t kMaxSlots = 512; // more, and each block would read too much

    std::uint32_t words[kWords];
    std::int32_t before[kWords]; // experts found in the words before
    std::int32_t count;

    // By a whole block of at least kWords threads.
    __device__ void find(const std::int32_t *ids, int slots, int experts) {
        const int thread = threadIdx.x;
        if (thread < kWords)
            words[thread] = 0;
        __syncthreads();
        for (int slot = thread; slot < slots; slot += blockDim.x) {
            const std::uint32_t id = std::uint32_t(__ldg(ids + slot));
            if (id < std::uint32_t(experts))
                atomicOr(&words[id / 32], 1u << id % 32);
        }
        __syncthreads();
        if (thread < 32)
            sum_words(thread);
        __syncthreads();
    }

    // The row-th found expert. 0 <= row < count.
    __device__ std::int32_t expert_of(std::int32_t row) const {
        int low = 0, high = kWords - 1; // the last word with before <= row
        while (low < high) {
            const int middle = (low + high + 1) / 2;
            if (before[middle] <= row)
                low = middle;
            else
                high = middle - 1;
        }
        std::uint32_t word = words[low];
        for (std::int32_t skipped = before[low]; skipped < row; ++skipped)
            word &= word - 1;
        return low * 32 + __ffs(int(word)) - 1;
    }

    // The outputs of ms_active_experts. By a whole block.
    __device__ void write(std::int32_t *active, std::int32_t *remap, std::int32_t *total, int experts) const {
        for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
            const std::uint32_t word = words[expert / 32], bit = 1u << expert % 32;
            const std::int32_t position = before[expert / 32] + __popc(word & (bit - 1));
            remap[expert] = word & bit ? position : -1;
            if (word & bit)
                active[position] = expert;
            if (expert >= count)
                active[expert] = -1;
        }
        if (threadIdx.x == 0)
            *total = count;
    }

  private:
    // Lane l sums words 4l .. 4l + 3.
    __device__ void sum_words(int lane) {
        constexpr int kEach = kWords / 32;
        std::int32_t mine = 0;
        for (int i = 0; i < kEach; ++i)
            mine += __popc(words[lane * kEach + i]);
        std::int32_t sum = mine;
        for (int step = 1; step < 32; step *= 2) {
            const std::int32_t below = __shfl_up_sync(~0u, sum, step);
            sum += lane >= step ? below : 0;
        }
        if (lane == 31)
            count = sum;
        sum -= mine;
        for (int i = 0; i < kEach; ++i) {
            before[lane * kEach + i] = sum;
            sum += __popc(words[lane * kEach + i]);
        }
    }
};

} // namespace moescope
