// A stable counting sort of slots by expert in one launch, by blocks that run at the same time: one
// block, one cluster, or a cooperative grid; or by blocks that each count everyone's slots.
//
// Every block owns a run of consecutive slots and every warp a run within it, so that (block, warp,
// lane) order is slot order. A block reads its ids once and keeps them in registers:
//   rank     each slot's rank among the equal ids of its warp; the warp's counts, one column of
//            16-bit counters an expert and one counter in it a warp
//   columns  a thread an expert: its count in this block, told to the other blocks; prefix sums down
//            the column and over the experts give every slot its place among the block's own
//   totals   what lower blocks and all blocks hold of each expert: where the block's runs begin
//   write    neighbours in sorted order, through shared memory, where a block has many slots
// Integer sums in a fixed order: the same result every time.
#pragma once

#include "kernels/common/host_device.h"
#include "kernels/include/moescope/kernels.h"
#include "kernels/routing/warp.cuh"

#include <cooperative_groups.h>

#include <cstddef>
#include <cstdint>

namespace moescope {

constexpr int kMaxSortExperts = 1024; // a thread an expert
constexpr int kMaxSortThreads = 1024;
constexpr int kMaxClusterBlocks = 16;

struct ExpertSort {
    const std::int32_t *ids; // [slots]
    int slots, experts, slots_per_block;
    int id_bits; // of experts - 1
    std::int32_t *counts, *offsets, *sorted_slots, *inverse; // as ms_route_metadata_args
    int block_rows, max_tiles; // of the schedule; 0 for none
    int block_rows_shift;      // log2 of block_rows, or -1
    ms_tile *tiles;
    std::uint16_t *block_counts; // [blocks, experts rounded up to 8]; of a grid only
};

// Counts of experts are read 16 bytes at a time.
MS_HOST_DEVICE inline int padded_experts(int experts) { return (experts + 7) / 8 * 8; }

// The shared memory of a block of kWarps warps.
template <int kWarps> struct SortMemory {
    static constexpr int kThreads = kWarps * kWarpSize;
    // Counters of a column: an odd number of words spreads one warp's counters over all banks.
    static constexpr int kColumn = kWarps + 2;

    std::uint16_t *columns; // [experts, kColumn]
    std::int32_t *starts;   // [experts] sorted position of the block's first slot of each expert, less
                            // its place among the block's own
    int *warp_sums;         // [2, 32, 2]
    int *all;               // slots that have an expert, tiles, and those slots of this block
    std::uint32_t *staged;  // [slots_per_block] expert << 16 | slot, by place
    void *exchanged;        // the exchange's own

    static std::size_t bytes(int experts, int staged_slots, std::size_t exchange_bytes) {
        return std::size_t(padded_experts(experts)) * (kColumn * 2 + 4) + 2 * 32 * 2 * 4 + 16 +
               std::size_t(staged_slots + 3) / 4 * 16 + exchange_bytes;
    }
    __device__ SortMemory(void *memory, int experts, int staged_slots) {
        columns = static_cast<std::uint16_t *>(memory);
        starts = reinterpret_cast<std::int32_t *>(columns + padded_experts(experts) * kColumn);
        warp_sums = starts + padded_experts(experts);
        all = warp_sums + 2 * 32 * 2;
        staged = reinterpret_cast<std::uint32_t *>(all + 4);
        exchanged = staged + (staged_slots + 3) / 4 * 4;
    }
};

// One expert's column in registers.
template <int kWarps> struct Column {
    std::uint32_t words[kWarps / 2]; // two warps each

    __device__ void load(const std::uint16_t *column) {
#pragma unroll
        for (int i = 0; i < kWarps / 2; ++i)
            words[i] = reinterpret_cast<const std::uint32_t *>(column)[i];
    }
    __device__ int sum() const {
        std::uint32_t sum = 0; // of the even warps, and of the odd ones above: none reaches 65536
#pragma unroll
        for (std::uint32_t word : words)
            sum += word;
        return int((sum & 0xffff) + (sum >> 16));
    }
    // Each count becomes `start` and all counts before it.
    __device__ void store_prefixes(std::uint16_t *column, int start) {
        auto before = std::uint32_t(start);
#pragma unroll
        for (int i = 0; i < kWarps / 2; ++i) {
            const std::uint32_t middle = before + (words[i] & 0xffff);
            reinterpret_cast<std::uint32_t *>(column)[i] = before | middle << 16;
            before = middle + (words[i] >> 16);
        }
    }
};

struct ExpertTotals {
    int before, total; // slots of an expert: those of lower blocks, those of all
};

// How blocks see one another's counts: publish() by a thread an expert; send() by the whole block
// after it has synchronised; wait() and totals() by the whole block.
struct OneBlock {
    static constexpr bool kSingle = true;
    template <int kWarps> static std::size_t shared_bytes(int) { return 0; }
    template <class Memory> __device__ OneBlock(const ExpertSort &, const Memory &) {}
    __device__ void publish(const ExpertSort &, int, int) {}
    __device__ void send(const ExpertSort &) {}
    __device__ void wait(const ExpertSort &) {}
    template <int kThreads> __device__ ExpertTotals totals(const ExpertSort &) { return {}; }
};

// Sums down `rows` rows of 16-bit counts in shared memory, by the whole block: a thread takes two
// neighbouring experts, a group of threads every groups-th row. get(row, pair, lower, all) gives two
// experts' counts in each word. The thread of an expert gets its sums.
template <int kThreads> struct RowSums {
    static std::size_t bytes() { return 2 * kThreads * sizeof(ExpertTotals); }

    template <class Get>
    static __device__ ExpertTotals run(const ExpertSort &sort, int rows, void *shared, Get get) {
        const int pair_bits = max(sort.id_bits - 1, 2);
        const int groups = min(kThreads >> pair_bits, rows);
        const int pair = int(threadIdx.x) & ((1 << pair_bits) - 1);
        const int group = int(threadIdx.x) >> pair_bits;
        const int padded = padded_experts(sort.experts);
        if (2 * pair < padded && group < groups)
            static_cast<int4 *>(shared)[group * padded / 2 + pair] =
                sort.slots < 65536 ? sum_packed(group, groups, rows, pair, get)
                                   : sum_wide(group, groups, rows, pair, get);
        __syncthreads();
        ExpertTotals sum{0, 0};
        if (int(threadIdx.x) < sort.experts)
#pragma unroll 4
            for (int i = 0; i < groups; ++i) {
                const int2 some = static_cast<int2 *>(shared)[i * padded + int(threadIdx.x)];
                sum.before += some.x;
                sum.total += some.y;
            }
        return sum;
    }

  private:
    // The sums of two experts, for lower blocks and for all.
    static __device__ int4 unpacked(std::uint32_t lower, std::uint32_t all) {
        return make_int4(int(lower & 0xffff), int(all & 0xffff), int(lower >> 16), int(all >> 16));
    }
    template <class Get> // where no sum reaches 65536
    static __device__ int4 sum_packed(int group, int groups, int rows, int pair, Get get) {
        std::uint32_t lower_sum = 0, all_sum = 0;
#pragma unroll 4
        for (int row = group; row < rows; row += groups) {
            std::uint32_t lower, all;
            get(row, pair, lower, all);
            lower_sum += lower;
            all_sum += all;
        }
        return unpacked(lower_sum, all_sum);
    }
    template <class Get>
    static __device__ int4 sum_wide(int group, int groups, int rows, int pair, Get get) {
        int4 sums{0, 0, 0, 0};
#pragma unroll 4
        for (int row = group; row < rows; row += groups) {
            std::uint32_t lower, all;
            get(row, pair, lower, all);
            const int4 some = unpacked(lower, all);
            sums.x += some.x, sums.y += some.y, sums.z += some.z, sums.w += some.w;
        }
        return sums;
    }
};

// Through distributed shared memory: every block sends its counts to every block, and waits for
// theirs on a barrier of its own. Code for sm_80 is never launched as a cluster.
struct OneCluster {
    static constexpr bool kSingle = false;
    // A barrier, what is received [kMaxClusterBlocks, experts], the block's own counts, sums.
    template <int kWarps> static std::size_t shared_bytes(int experts) {
        return 16 + (kMaxClusterBlocks + 1) * std::size_t(padded_experts(experts)) * 2 +
               RowSums<kWarps * kWarpSize>::bytes();
    }
    std::uint64_t *barrier;
    std::uint16_t *received, *own;
    void *sums;

    // Not `used`, it does nothing at all.
    template <class Memory>
    __device__ OneCluster(const ExpertSort &sort, const Memory &memory, bool used = true) {
        if (!used)
            return;
        barrier = static_cast<std::uint64_t *>(memory.exchanged);
        received = reinterpret_cast<std::uint16_t *>(barrier + 2);
        own = received + kMaxClusterBlocks * padded_experts(sort.experts);
        sums = own + padded_experts(sort.experts);
#if __CUDA_ARCH__ >= 900
        if (threadIdx.x == 0) {
            asm volatile("mbarrier.init.shared.b64 [%0], 1;" ::"r"(address(barrier)) : "memory");
            asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
        }
        asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory"); // ready to receive
#endif
    }
    __device__ void publish(const ExpertSort &, int expert, int count) {
        own[expert] = std::uint16_t(count);
    }
    // After the block has synchronised: a warp a receiver.
    __device__ void send(const ExpertSort &sort) {
#if __CUDA_ARCH__ >= 900
        asm volatile("barrier.cluster.wait.acquire;" ::: "memory"); // all are ready
        if (threadIdx.x == 0) {
            const unsigned bytes = gridDim.x * unsigned(padded_experts(sort.experts)) * 2;
            asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(address(barrier)),
                         "r"(bytes)
                         : "memory");
        }
        const unsigned warps = blockDim.x / kWarpSize, lane = threadIdx.x % kWarpSize;
        const int chunks = padded_experts(sort.experts) / 8;
        for (unsigned block = threadIdx.x / kWarpSize; block < gridDim.x; block += warps) {
            const unsigned to = remote(received, block) + blockIdx.x * unsigned(chunks) * 16;
            const unsigned done = remote(barrier, block);
            for (int i = int(lane); i < chunks; i += kWarpSize) {
                const uint4 some = reinterpret_cast<const uint4 *>(own)[i];
                asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 "
                             "[%0], {%1, %2, %3, %4}, [%5];" ::"r"(to + unsigned(i) * 16),
                             "r"(some.x), "r"(some.y), "r"(some.z), "r"(some.w), "r"(done)
                             : "memory");
            }
        }
#endif
    }
    __device__ void wait(const ExpertSort &) {
#if __CUDA_ARCH__ >= 900
        asm volatile("{\n"
                     ".reg .pred done;\n"
                     "again:\n"
                     "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], 0;\n"
                     "@!done bra again;\n"
                     "}" ::"r"(address(barrier))
                     : "memory");
#endif
    }
    template <int kThreads> __device__ ExpertTotals totals(const ExpertSort &sort) {
        const int pairs = padded_experts(sort.experts) / 2;
        const auto *counts = reinterpret_cast<const std::uint32_t *>(received);
        return RowSums<kThreads>::run(
            sort, int(gridDim.x), sums,
            [&](int block, int pair, std::uint32_t &lower, std::uint32_t &all) {
                all = counts[block * pairs + pair];
                lower = block < int(blockIdx.x) ? all : 0;
            });
    }

  private:
    static __device__ unsigned address(const void *shared) {
        return unsigned(__cvta_generic_to_shared(shared));
    }
    static __device__ unsigned remote(const void *shared, unsigned block) {
        unsigned there = 0;
#if __CUDA_ARCH__ >= 900
        asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(address(shared)), "r"(block));
#endif
        return there;
    }
};

// By no exchange at all: every block counts every slot, kVectors times four a thread. The ids lie on
// 16 bytes, and their number is a multiple of four; it is below 65536.
template <int kThreads, int kVectors> struct EveryBlock {
    static constexpr bool kSingle = false;
    template <int kWarps> static std::size_t shared_bytes(int experts) {
        return std::size_t(padded_experts(experts)) * sizeof(std::uint32_t);
    }
    std::uint32_t *counters; // of lower blocks' slots, and above them of the others
    int4 ids[kVectors];

    template <class Memory>
    __device__ EveryBlock(const ExpertSort &sort, const Memory &memory)
        : counters(static_cast<std::uint32_t *>(memory.exchanged)) {
#pragma unroll
        for (int i = 0; i < kVectors; ++i)
            ids[i] = first_of(i) < sort.slots
                         ? __ldg(reinterpret_cast<const int4 *>(sort.ids + first_of(i)))
                         : make_int4(-1, -1, -1, -1);
        for (int i = int(threadIdx.x); i < padded_experts(sort.experts); i += kThreads)
            counters[i] = 0;
    }
    __device__ void publish(const ExpertSort &, int, int) {}
    __device__ void send(const ExpertSort &sort) { // a block's run is of whole vectors
        const int begin = int(blockIdx.x) * sort.slots_per_block;
#pragma unroll
        for (int i = 0; i < kVectors; ++i) {
            const std::uint32_t one = first_of(i) < begin ? 1 : 0x10000;
            count(sort, ids[i].x, one);
            count(sort, ids[i].y, one);
            count(sort, ids[i].z, one);
            count(sort, ids[i].w, one);
        }
    }
    __device__ void wait(const ExpertSort &) { __syncthreads(); }
    template <int> __device__ ExpertTotals totals(const ExpertSort &sort) {
        const std::uint32_t both = int(threadIdx.x) < sort.experts ? counters[threadIdx.x] : 0;
        return {int(both & 0xffff), int((both & 0xffff) + (both >> 16))};
    }

  private:
    static __device__ int first_of(int vector) {
        return (vector * kThreads + int(threadIdx.x)) * 4;
    }
    __device__ void count(const ExpertSort &sort, int id, std::uint32_t one) {
        if (unsigned(id) < unsigned(sort.experts))
            atomicAdd(counters + id, one);
    }
};

// Through device memory, by a cooperative launch.
struct OneGrid {
    static constexpr bool kSingle = false;
    // Two rows a warp: its blocks' counts, those of lower blocks and those of all; sums.
    template <int kWarps> static std::size_t shared_bytes(int experts) {
        return 2 * kWarps * std::size_t(padded_experts(experts)) * 2 +
               RowSums<kWarps * kWarpSize>::bytes();
    }
    cooperative_groups::grid_group grid = cooperative_groups::this_grid();
    cooperative_groups::grid_group::arrival_token token{};
    void *shared;

    template <class Memory>
    __device__ OneGrid(const ExpertSort &, const Memory &memory) : shared(memory.exchanged) {}
    __device__ void publish(const ExpertSort &sort, int expert, int count) {
        sort.block_counts[int(blockIdx.x) * padded_experts(sort.experts) + expert] =
            std::uint16_t(count);
    }
    __device__ void send(const ExpertSort &) { token = grid.barrier_arrive(); }
    __device__ void wait(const ExpertSort &) {
        grid.barrier_wait(static_cast<cooperative_groups::grid_group::arrival_token &&>(token));
    }
    template <int kThreads> __device__ ExpertTotals totals(const ExpertSort &sort) {
        constexpr int kWarps = kThreads / kWarpSize;
        const int warp = int(threadIdx.x / kWarpSize), lane = int(threadIdx.x % kWarpSize);
        const int chunks = padded_experts(sort.experts) / 8;
        const int rows = min(kWarps, int(gridDim.x));
        auto *all_rows = static_cast<uint4 *>(shared), *lower_rows = all_rows + kWarps * chunks;
        for (int chunk = lane; chunk < chunks && warp < rows; chunk += kWarpSize) {
            uint4 lower{0, 0, 0, 0}, all{0, 0, 0, 0}; // 8 experts: no sum reaches 65536
            const auto *counts = reinterpret_cast<const uint4 *>(sort.block_counts) + chunk;
#pragma unroll 4
            for (int block = warp; block < int(gridDim.x); block += kWarps) {
                const uint4 some = __ldcg(counts + block * chunks);
                const std::uint32_t is_lower = block < int(blockIdx.x) ? 0xffffffff : 0;
                all.x += some.x, all.y += some.y, all.z += some.z, all.w += some.w;
                lower.x += some.x & is_lower, lower.y += some.y & is_lower;
                lower.z += some.z & is_lower, lower.w += some.w & is_lower;
            }
            all_rows[warp * chunks + chunk] = all;
            lower_rows[warp * chunks + chunk] = lower;
        }
        __syncthreads();
        const auto *all_words = reinterpret_cast<const std::uint32_t *>(all_rows);
        const auto *lower_words = reinterpret_cast<const std::uint32_t *>(lower_rows);
        return RowSums<kThreads>::run(
            sort, rows, lower_rows + kWarps * chunks,
            [&](int row, int pair, std::uint32_t &lower, std::uint32_t &all) {
                all = all_words[row * chunks * 4 + pair];
                lower = lower_words[row * chunks * 4 + pair];
            });
    }
};

// Either, as block_counts says: a kernel for both.
struct ClusterOrGrid {
    static constexpr bool kSingle = false;
    template <int kWarps> static std::size_t shared_bytes(int experts) {
        const std::size_t cluster = OneCluster::shared_bytes<kWarps>(experts);
        const std::size_t grid = OneGrid::shared_bytes<kWarps>(experts);
        return cluster > grid ? cluster : grid;
    }
    OneCluster cluster;
    OneGrid grid;

    template <class Memory>
    __device__ ClusterOrGrid(const ExpertSort &sort, const Memory &memory)
        : cluster(sort, memory, sort.block_counts == nullptr), grid(sort, memory) {}
    __device__ void publish(const ExpertSort &sort, int expert, int count) {
        if (sort.block_counts)
            grid.publish(sort, expert, count);
        else
            cluster.publish(sort, expert, count);
    }
    __device__ void send(const ExpertSort &sort) {
        if (sort.block_counts)
            grid.send(sort);
        else
            cluster.send(sort);
    }
    __device__ void wait(const ExpertSort &sort) {
        if (sort.block_counts)
            grid.wait(sort);
        else
            cluster.wait(sort);
    }
    template <int kThreads> __device__ ExpertTotals totals(const ExpertSort &sort) {
        return sort.block_counts ? grid.totals<kThreads>(sort) : cluster.totals<kThreads>(sort);
    }
};

namespace expert_sort {

// peers[i]: the lanes whose ids[i], of kBits bits, equals this lane's; of use where that is not -1.
template <int kBits, int kItems>
__device__ inline void find_peers(const int (&ids)[kItems], unsigned (&peers)[kItems]) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        peers[i] = __ballot_sync(kFullWarp, ids[i] >= 0);
#pragma unroll
        for (int bit = 0; bit < kBits; ++bit) {
            const bool set = (ids[i] & 1 << bit) != 0;
            const unsigned lanes = __ballot_sync(kFullWarp, set);
            peers[i] &= set ? lanes : ~lanes;
        }
    }
}

// ids[i] is slot i * 32 + lane of the warp's run, -1 for none; columns points to the warp's counters.
// ranks[i]: how many lower slots of the run have the same id. The counters end as the warp's counts.
template <int kColumn, int kItems>
__device__ inline void rank(const int (&ids)[kItems], int id_bits, std::uint16_t *columns,
                            int (&ranks)[kItems]) {
    unsigned peers[kItems];
    if (id_bits <= 8)
        find_peers<8>(ids, peers);
    else
        find_peers<10>(ids, peers);
    const unsigned lower_lanes = (1u << (threadIdx.x % kWarpSize)) - 1;
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        std::uint16_t *counter = columns + max(ids[i], 0) * kColumn;
        const int before = kItems > 1 && ids[i] >= 0 ? *counter : 0;
        ranks[i] = before + __popc(peers[i] & lower_lanes);
        if (kItems > 1)
            __syncwarp(); // everyone has read before the first of the peers writes
        if (ids[i] >= 0 && (peers[i] & lower_lanes) == 0)
            *counter = std::uint16_t(before + __popc(peers[i]));
        if (kItems > 1)
            __syncwarp();
    }
}

// Inclusive prefix sums of one or two numbers a thread over the first `count` threads; the whole
// block calls it. It synchronises the block once and then calls synchronised().
template <class Synchronised, class... Numbers>
__device__ inline void prefix_sums(int count, int *warp_sums, Synchronised synchronised,
                                   Numbers &...numbers) {
    const int lane = int(threadIdx.x % kWarpSize), warp = int(threadIdx.x / kWarpSize);
    const bool takes_part = warp * kWarpSize < count;
    if (takes_part) {
#pragma unroll
        for (int distance = 1; distance < kWarpSize; distance *= 2) {
            const auto add = [&](int &number) {
                const int lower = __shfl_up_sync(kFullWarp, number, distance);
                number += lane >= distance ? lower : 0;
            };
            (add(numbers), ...);
        }
        int *sum = warp_sums + warp;
        if (lane == kWarpSize - 1)
            ((*sum = numbers, sum += kWarpSize), ...);
    }
    __syncthreads();
    synchronised();
    if (takes_part) {
        const int *sum = warp_sums + lane;
        const auto add = [&](int &number) {
            number += __reduce_add_sync(kFullWarp, unsigned(lane < warp ? *sum : 0));
            sum += kWarpSize;
        };
        (add(numbers), ...);
    }
}

// Rows in whole tiles.
__device__ inline int tiles_of(const ExpertSort &sort, int rows) {
    if (sort.block_rows_shift >= 0) // a division would be the longest step of all
        return (rows + sort.block_rows - 1) >> sort.block_rows_shift;
    return sort.block_rows > 0 ? (rows + sort.block_rows - 1) / sort.block_rows : 0;
}

// Every block writes every gridDim.x-th tile of every expert; a whole warp calls it, a lane an
// expert. Where an expert has many, all lanes write them.
__device__ inline void write_tiles(const ExpertSort &sort, int expert, int first, int count) {
    constexpr int kOwn = 4; // that a lane writes by itself
    const int blocks = int(gridDim.x);
    const bool many = count > kOwn * blocks;
    if (!many)
        for (int tile = int(blockIdx.x); tile < count; tile += blocks)
            sort.tiles[first + tile] = {expert, tile};
    for (unsigned left = __ballot_sync(kFullWarp, many); left != 0; left &= left - 1) {
        const int lane = __ffs(int(left)) - 1;
        const int owner = __shfl_sync(kFullWarp, expert, lane);
        const int from = __shfl_sync(kFullWarp, first, lane);
        const int to = __shfl_sync(kFullWarp, count, lane);
        for (int tile = int(blockIdx.x) + int(threadIdx.x) % kWarpSize * blocks; tile < to;
             tile += kWarpSize * blocks)
            sort.tiles[from + tile] = {owner, tile};
    }
}

} // namespace expert_sort

// The ids of a thread's slots, straight from memory.
template <int kItems>
__device__ inline void load_ids(const ExpertSort &sort, int (&ids)[kItems]) {
    const int begin = int(blockIdx.x) * sort.slots_per_block;
    const int end = min(begin + sort.slots_per_block, sort.slots);
    const int warp = int(threadIdx.x / kWarpSize), lane = int(threadIdx.x % kWarpSize);
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        const int slot = begin + (warp * kItems + i) * kWarpSize + lane;
        ids[i] = slot < end ? sort.ids[slot] : -1;
    }
}

// The whole sort, by blocks of kWarps warps; kWarps * 32 >= experts. get_ids(ids) gives each thread
// the ids of slots (warp * kItems + i) * 32 + lane of the block's run, whatever they are, and -1 where
// there is none; it may synchronise the block.
template <class Exchange, int kWarps, int kItems, bool kStaged, class GetIds>
__device__ inline void sort_by_expert(const ExpertSort &sort, void *shared, GetIds get_ids) {
    using Memory = SortMemory<kWarps>;
    constexpr bool kSingle = Exchange::kSingle;
    const int thread = int(threadIdx.x);
    const int lane = int(threadIdx.x % kWarpSize), warp = int(threadIdx.x / kWarpSize);
    const int block_begin = int(blockIdx.x) * sort.slots_per_block;
    const int block_slots = max(min(sort.slots_per_block, sort.slots - block_begin), 0);
    const int everyone = int(blockIdx.x) * Memory::kThreads + thread;
    const int step = int(gridDim.x) * Memory::kThreads;
    const Memory memory(shared, sort.experts, kStaged ? sort.slots_per_block : 0);
    Exchange exchange(sort, memory);
    int ids[kItems], places[kItems];
    get_ids(ids);
#pragma unroll 1
    for (int i = thread; i < (sort.experts * Memory::kColumn + 7) / 8; i += Memory::kThreads)
        reinterpret_cast<uint4 *>(memory.columns)[i] = uint4{0, 0, 0, 0};
#pragma unroll
    for (int &id : ids)
        id = unsigned(id) < unsigned(sort.experts) ? id : -1;
    __syncthreads();
    expert_sort::rank<Memory::kColumn>(ids, sort.id_bits, memory.columns + warp, places);
    __syncthreads();

    // A thread an expert from here to where the places are known.
    Column<kWarps> column;
    std::uint16_t *own_column = memory.columns + thread * Memory::kColumn;
    int count = 0;
    if (thread < sort.experts) {
        column.load(own_column);
        count = column.sum();
    }
    if (thread < padded_experts(sort.experts))
        exchange.publish(sort, thread, count);
    // A block alone scans places and tiles at once: neither reaches 65536.
    int tiles = kSingle ? expert_sort::tiles_of(sort, count) : 0;
    const int packed = count | tiles << 16;
    int sums = packed;
    expert_sort::prefix_sums(sort.experts, memory.warp_sums, [&] { exchange.send(sort); }, sums);
    if (thread == sort.experts - 1) {
        memory.all[2] = sums & 0xffff;
        if (kSingle) {
            memory.all[0] = sums & 0xffff;
            memory.all[1] = sums >> 16;
            sort.offsets[sort.experts] = sums & 0xffff;
        }
    }
    sums -= packed;
    const int start = sums & 0xffff;
    int first_tile = sums >> 16;
    if (thread < sort.experts)
        column.store_prefixes(own_column, start);
    if (kSingle && thread < sort.experts) {
        sort.counts[thread] = count;
        sort.offsets[thread] = start;
    }
    __syncthreads();

    const int first = warp * kItems * kWarpSize + lane;
#pragma unroll
    for (int i = 0; i < kItems; ++i)
        if (ids[i] >= 0) {
            places[i] += memory.columns[ids[i] * Memory::kColumn + warp];
            if (kStaged)
                memory.staged[places[i]] =
                    std::uint32_t(ids[i]) << 16 | std::uint32_t(first + i * kWarpSize);
        }
    if (!kSingle) {
        exchange.wait(sort);
        const auto [before, total] = exchange.template totals<Memory::kThreads>(sort);
        tiles = expert_sort::tiles_of(sort, total);
        int offset = total;
        first_tile = tiles;
        if (sort.slots < 65536) {
            int both = offset | first_tile << 16;
            expert_sort::prefix_sums(sort.experts, memory.warp_sums + 64, [] {}, both);
            offset = both & 0xffff;
            first_tile = int(std::uint32_t(both) >> 16);
        } else {
            expert_sort::prefix_sums(sort.experts, memory.warp_sums + 64, [] {}, offset,
                                     first_tile);
        }
        if (thread == sort.experts - 1) {
            memory.all[0] = offset;
            memory.all[1] = first_tile;
            if (blockIdx.x == 0)
                sort.offsets[sort.experts] = offset;
        }
        offset -= total;
        first_tile -= tiles;
        if (thread < sort.experts) {
            memory.starts[thread] = offset + before - start;
            if (blockIdx.x == 0) {
                sort.counts[thread] = total;
                sort.offsets[thread] = offset;
            }
        }
    }
    if (!kSingle || kStaged)
        __syncthreads();

#pragma unroll
    for (int i = 0; i < kItems; ++i) {
        const int slot = first + i * kWarpSize;
        int position = -1;
        if (ids[i] >= 0) {
            position = places[i] + (kSingle ? 0 : memory.starts[ids[i]]);
            if (!kStaged)
                sort.sorted_slots[position] = block_begin + slot;
        }
        if (slot < block_slots)
            sort.inverse[block_begin + slot] = position;
    }
    if (kStaged)
        for (int i = thread; i < memory.all[2]; i += Memory::kThreads) {
            const std::uint32_t staged = memory.staged[i];
            sort.sorted_slots[i + (kSingle ? 0 : memory.starts[staged >> 16])] =
                block_begin + int(staged & 0xffff);
        }
    if (sort.max_tiles > 0) {
        if (warp * kWarpSize < sort.experts)
            expert_sort::write_tiles(sort, thread, first_tile, thread < sort.experts ? tiles : 0);
        for (int i = memory.all[1] + everyone; i < sort.max_tiles; i += step)
            sort.tiles[i] = {-1, -1};
    }
    for (int i = memory.all[0] + everyone; i < sort.slots; i += step)
        sort.sorted_slots[i] = -1;
}

} // namespace moescope
