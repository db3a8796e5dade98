#include "kernels/routing/tile_schedule.cuh"

#include "kernels/common/cuda_check.h"
#include "kernels/routing/routing_checks.h"

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

constexpr std::int64_t kMaxBlocks = 256; // each repeats the prefix sum over the experts

__global__ void __launch_bounds__(kScheduleThreads)
    tile_schedule(const __grid_constant__ TileSchedule schedule) {
    __shared__ SchedulePrefixSum::Storage storage;
    extern __shared__ int first_tiles[]; // [experts]
    write_schedule(schedule, first_tiles, storage,
                   std::int64_t(blockIdx.x) * kScheduleThreads + threadIdx.x,
                   std::int64_t(gridDim.x) * kScheduleThreads);
}

} // namespace

ms_status enqueue_schedule(const TileSchedule &schedule, ms_stream stream) {
    if (schedule.max_tiles == 0)
        return succeed();
    const std::int64_t blocks = (schedule.max_tiles + kScheduleThreads - 1) / kScheduleThreads;
    tile_schedule<<<unsigned(std::min(blocks, kMaxBlocks)), kScheduleThreads,
                    schedule.experts * sizeof(int), stream>>>(schedule);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope

extern "C" ms_status ms_tile_schedule(const ms_tile_schedule_args *args, ms_stream stream) {
    using namespace moescope;
    ms_tile_schedule_args full;
    if (const ms_status status = check_tile_schedule(args, full); status != MS_OK)
        return status;
    const std::int64_t max_tiles = ms_max_tiles(full.slots, full.experts, full.block_rows);
    return enqueue_schedule({full.offsets, full.experts, full.block_rows, max_tiles, full.tiles},
                            stream);
}
