// The stable half of a counting sort, by warps: each warp owns one run of consecutive slots and one
// row of counters (an int for each expert, in shared memory). Counting the row and then, with the
// counters set to the position of the warp's first slot of each expert, ranking it, touches the
// slots in order, so that equal experts keep their order and every run gives the same result.
#pragma once

#include "kernels/routing/warp.cuh"

#include <cstdint>

namespace moescope {

struct SlotRun {
    const std::int32_t *ids;
    std::int64_t begin, end;
    int experts;

    __device__ bool valid(std::int32_t id) const { return unsigned(id) < unsigned(experts); }
    __device__ std::int32_t id_of(std::int64_t slot) const { return slot < end ? ids[slot] : -1; }

    // Calls visit(slot, id, peers) for 32 slots at a time, one a lane; peers are the lanes with the
    // same id. The next ids are loaded while these are worked on. Past the end the id is -1.
    template <class Visit> __device__ void for_each(int lane, Visit visit) const {
        std::int32_t next = id_of(begin + lane);
        for (std::int64_t start = begin; start < end; start += kWarpSize) {
            const std::int32_t id = next;
            next = id_of(start + kWarpSize + lane);
            visit(start + lane, id, __match_any_sync(kFullWarp, id));
        }
    }

    // counters[e] += the run's slots of expert e.
    __device__ void count(int lane, int *counters) const {
        for_each(lane, [&](std::int64_t, std::int32_t id, unsigned peers) {
            if (valid(id) && lane == __ffs(int(peers)) - 1)
                counters[id] += __popc(peers);
            __syncwarp();
        });
    }

    // counters[e] is the sorted position of the run's first slot of expert e; it moves on.
    __device__ void rank(int lane, int *counters, std::int32_t *sorted_slots,
                         std::int32_t *inverse) const {
        const unsigned lower_lanes = (1u << lane) - 1;
        for_each(lane, [&](std::int64_t slot, std::int32_t id, unsigned peers) {
            const int position = valid(id) ? counters[id] + __popc(peers & lower_lanes) : -1;
            __syncwarp(); // everyone has read before the first of the peers writes
            if (valid(id) && (peers & lower_lanes) == 0)
                counters[id] += __popc(peers);
            __syncwarp();
            if (slot < end)
                inverse[slot] = position;
            if (position >= 0)
                sorted_slots[position] = std::int32_t(slot);
        });
    }
};

} // namespace moescope
