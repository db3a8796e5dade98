#include "kernels/common/cuda_check.h"
#include "kernels/dequant/active_rows.h"
#include "kernels/dequant/dequant_checks.h"
#include "kernels/dequant/row_tiles.cuh"

#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 8;
constexpr int kUnits = 4; // loads in flight a thread
constexpr int kTileUnits = kThreads * kUnits;

template <class Unit>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm)
    select_experts_kernel(const Unit *src, Unit *dst, std::int64_t row_units, ActiveRows rows,
                          RowTiles tiles) {
    const std::int64_t active_rows = row_count(rows);
    for (RowTile at = first_tile(tiles); at.row < active_rows; next_tile(tiles, at)) {
        const std::int64_t expert = expert_of(rows, at.row);
        if (expert < 0)
            continue;
        const std::int64_t first = at.tile * kTileUnits + threadIdx.x;
        Unit units[kUnits];
#pragma unroll
        for (int u = 0; u < kUnits; ++u)
            if (first + u * kThreads < row_units)
                units[u] = __ldg(src + expert * row_units + first + u * kThreads);
#pragma unroll
        for (int u = 0; u < kUnits; ++u)
            if (first + u * kThreads < row_units)
                dst[at.row * row_units + first + u * kThreads] = units[u];
    }
}

template <class Unit> ms_status launch(const ms_select_experts_args &args, ms_stream stream) {
    const std::int64_t row_units = args.row_bytes / std::int64_t(sizeof(Unit));
    RowTileLaunch plan;
    if (const ms_status status =
            plan_row_tiles(args.capacity, row_units, kTileUnits, kBlocksPerSm, plan))
        return status;
    select_experts_kernel<<<plan.blocks, kThreads, 0, stream>>>(
        static_cast<const Unit *>(args.src), static_cast<Unit *>(args.dst), row_units,
        ActiveRows{args.active, args.count, args.capacity, args.experts}, plan.tiles);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_select_experts(const ms_select_experts_args *args, ms_stream stream) {
    using namespace moescope;
    ms_select_experts_args full;
    if (const ms_status status = check_select_experts(args, full))
        return status;
    // The widest unit that every row of both arrays is aligned to.
    const std::uintptr_t alignment = reinterpret_cast<std::uintptr_t>(full.src) |
                                     reinterpret_cast<std::uintptr_t>(full.dst) |
                                     std::uintptr_t(full.row_bytes);
    if (alignment % 16 == 0)
        return launch<uint4>(full, stream);
    if (alignment % 8 == 0)
        return launch<uint2>(full, stream);
    if (alignment % 4 == 0)
        return launch<unsigned>(full, stream);
    return launch<unsigned short>(full, stream);
}
