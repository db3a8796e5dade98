// The counting sort of any number of slots and experts, by several kernels. Up to kSmallSlots slots:
// one block does everything. Beyond: the slots are cut into consecutive pieces, one a block;
//   count_pieces    slots of each expert in each piece      -> piece_starts [E, pieces]
//   scan_pieces     prefix sums of that along the pieces    -> piece_starts, counts
//   place_slots     prefix sum of counts; every piece ranks its slots from where its part starts
// and then the tile schedule. Integer sums only, in a fixed order: the same result every time.
#include "kernels/common/cuda_check.h"
#include "kernels/routing/route_metadata_variants.h"
#include "kernels/routing/slot_ranking.cuh"
#include "kernels/routing/tile_schedule.cuh"

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = kScheduleThreads;
constexpr int kWarps = kThreads / kWarpSize;
constexpr std::int64_t kSmallSlots = 4096;
constexpr std::int64_t kMinSlotsPerPiece = 2048;
constexpr std::int64_t kMaxPieces = 1024;
constexpr std::int64_t kMaxCounterBytes = 40 << 10; // with the scan's scratch under 48 KiB a block

// How a piece is divided among the warps of its block. Where E is large, not every warp has room
// for a row of counters: the first `rows` warps do the ranking.
struct Division {
    int pieces;
    std::int64_t slots_per_piece, slots_per_warp;
    int rows;
    std::size_t counter_bytes; // at least E + 1 ints
};

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

Division divide(std::int64_t slots, std::int32_t experts) {
    Division division{};
    const std::int64_t row_bytes = experts * std::int64_t(sizeof(int));
    division.rows = int(std::min<std::int64_t>(kWarps, kMaxCounterBytes / row_bytes));
    division.counter_bytes = std::size_t(division.rows * row_bytes);
    const std::int64_t wanted_pieces =
        slots <= kSmallSlots ? 1 : ceil_div(slots, kMinSlotsPerPiece);
    const std::int64_t wanted_slots = ceil_div(slots, std::min(wanted_pieces, kMaxPieces));
    division.slots_per_warp =
        ceil_div(ceil_div(wanted_slots, division.rows), kWarpSize) * kWarpSize;
    division.slots_per_piece = division.slots_per_warp * division.rows;
    division.pieces = slots <= kSmallSlots ? 1 : int(ceil_div(slots, division.slots_per_piece));
    return division;
}

struct SortPlan {
    ms_route_metadata_args args;
    Division division;
    std::int32_t *piece_starts; // [E, pieces]
    TileSchedule schedule;

    // The run of slots that belongs to a warp of a piece's block; empty for a warp without a row.
    __device__ SlotRun run_of(int piece, int warp) const {
        const std::int64_t start =
            piece * division.slots_per_piece + warp * division.slots_per_warp;
        const std::int64_t end = warp < division.rows ? start + division.slots_per_warp : start;
        return {args.ids, start, end < args.slots ? end : args.slots, args.experts};
    }
};

__device__ int thread_lane() { return int(threadIdx.x) % kWarpSize; }
__device__ int thread_warp() { return int(threadIdx.x) / kWarpSize; }

// counters [rows, E] = slots of each expert in each warp's run.
__device__ void count_runs(const SortPlan &plan, int *counters) {
    const int experts = plan.args.experts;
    for (int i = int(threadIdx.x); i < plan.division.rows * experts; i += kThreads)
        counters[i] = 0;
    __syncthreads();
    plan.run_of(int(blockIdx.x), thread_warp())
        .count(thread_lane(), counters + thread_warp() * experts);
    __syncthreads();
}

__device__ int sum_of_column(const SortPlan &plan, const int *counters, int expert) {
    int sum = 0;
    for (int row = 0; row < plan.division.rows; ++row)
        sum += counters[row * plan.args.experts + expert];
    return sum;
}

// Turns a column's counts into positions: `start`, and on from there warp by warp.
__device__ void start_column_at(const SortPlan &plan, int *counters, int expert, int start) {
    for (int row = 0; row < plan.division.rows; ++row) {
        int &counter = counters[row * plan.args.experts + expert];
        const int count = counter;
        counter = start;
        start += count;
    }
}

// With counters holding positions. `placed`: the slots of all experts together.
__device__ void place_runs(const SortPlan &plan, int *counters, int placed) {
    plan.run_of(int(blockIdx.x), thread_warp())
        .rank(thread_lane(), counters + thread_warp() * plan.args.experts, plan.args.sorted_slots,
              plan.args.inverse);
    const std::int64_t thread = std::int64_t(blockIdx.x) * kThreads + threadIdx.x;
    for (std::int64_t i = placed + thread; i < plan.args.slots;
         i += std::int64_t(gridDim.x) * kThreads)
        plan.args.sorted_slots[i] = -1;
}

__global__ void __launch_bounds__(kThreads)
    sort_slots_in_one_block(const __grid_constant__ SortPlan plan) {
    __shared__ SchedulePrefixSum::Storage storage;
    extern __shared__ int counters[];
    const ms_route_metadata_args &args = plan.args;
    count_runs(plan, counters);
    const int placed = SchedulePrefixSum::run(
        storage, args.experts, [&](int expert) { return sum_of_column(plan, counters, expert); },
        [&](int expert, int offset) {
            args.counts[expert] = sum_of_column(plan, counters, expert);
            args.offsets[expert] = offset;
            start_column_at(plan, counters, expert, offset);
        });
    if (threadIdx.x == 0)
        args.offsets[args.experts] = placed;
    place_runs(plan, counters, placed);
    __syncthreads(); // the offsets are written, and the counters are free
    if (plan.schedule.max_tiles > 0)
        write_schedule(plan.schedule, counters, storage, threadIdx.x, kThreads);
}

__global__ void __launch_bounds__(kThreads) count_pieces(const __grid_constant__ SortPlan plan) {
    extern __shared__ int counters[];
    count_runs(plan, counters);
    for (int expert = int(threadIdx.x); expert < plan.args.experts; expert += kThreads)
        plan.piece_starts[std::int64_t(expert) * gridDim.x + blockIdx.x] =
            sum_of_column(plan, counters, expert);
}

// One warp an expert.
__global__ void __launch_bounds__(kThreads) scan_pieces(const __grid_constant__ SortPlan plan) {
    const int expert = int(blockIdx.x) * kWarps + thread_warp();
    if (expert >= plan.args.experts)
        return;
    const int lane = thread_lane(), pieces = plan.division.pieces;
    std::int32_t *row = plan.piece_starts + std::int64_t(expert) * pieces;
    int total = 0;
    for (int start = 0; start < pieces; start += kWarpSize) {
        const int piece = start + lane;
        const int count = piece < pieces ? row[piece] : 0;
        int sum = count; // of this lane and the lower ones
#pragma unroll
        for (int distance = 1; distance < kWarpSize; distance *= 2) {
            const int below = __shfl_up_sync(kFullWarp, sum, distance);
            sum += lane >= distance ? below : 0;
        }
        if (piece < pieces)
            row[piece] = total + sum - count;
        total += __shfl_sync(kFullWarp, sum, kWarpSize - 1);
    }
    if (lane == 0)
        plan.args.counts[expert] = total;
}

__global__ void __launch_bounds__(kThreads) place_slots(const __grid_constant__ SortPlan plan) {
    __shared__ SchedulePrefixSum::Storage storage;
    extern __shared__ int counters[];
    const ms_route_metadata_args &args = plan.args;
    count_runs(plan, counters);
    const int placed = SchedulePrefixSum::run(
        storage, args.experts, [&](int expert) { return args.counts[expert]; },
        [&](int expert, int offset) {
            if (blockIdx.x == 0)
                args.offsets[expert] = offset;
            const int before = plan.piece_starts[std::int64_t(expert) * gridDim.x + blockIdx.x];
            start_column_at(plan, counters, expert, offset + before);
        });
    if (blockIdx.x == 0 && threadIdx.x == 0)
        args.offsets[args.experts] = placed;
    place_runs(plan, counters, placed);
}

std::size_t workspace_bytes(const Division &division, std::int32_t experts) {
    return division.pieces == 1 ? 0 : std::size_t(division.pieces) * experts * sizeof(std::int32_t);
}

ms_status enqueue_sort(const SortPlan &plan, ms_stream stream) {
    const Division &division = plan.division;
    if (division.pieces == 1) {
        sort_slots_in_one_block<<<1, kThreads, division.counter_bytes, stream>>>(plan);
        MS_LAUNCH_CHECK();
        return succeed();
    }
    count_pieces<<<division.pieces, kThreads, division.counter_bytes, stream>>>(plan);
    MS_LAUNCH_CHECK();
    scan_pieces<<<unsigned(ceil_div(plan.args.experts, kWarps)), kThreads, 0, stream>>>(plan);
    MS_LAUNCH_CHECK();
    place_slots<<<division.pieces, kThreads, division.counter_bytes, stream>>>(plan);
    MS_LAUNCH_CHECK();
    return enqueue_schedule(plan.schedule, stream);
}

} // namespace

std::size_t pieces_workspace_bytes(std::int64_t slots, std::int32_t experts) {
    return workspace_bytes(divide(slots, experts), experts);
}

ms_status sort_in_pieces(const ms_route_metadata_args &args, ms_stream stream) {
    SortPlan plan{};
    plan.args = args;
    plan.division = divide(args.slots, args.experts);
    plan.piece_starts = static_cast<std::int32_t *>(args.workspace);
    plan.schedule = {args.offsets, args.experts, args.block_rows,
                     ms_max_tiles(args.slots, args.experts, args.block_rows), args.tiles};
    return enqueue_sort(plan, stream);
}

} // namespace moescope
