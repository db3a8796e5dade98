#include "kernels/common/cuda_check.h"
#include "kernels/dequant/active_rows.h"
#include "kernels/dequant/copy_rows.h"
#include "kernels/dequant/dequant_checks.h"
#include "kernels/dequant/row_tiles.cuh"

#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 256;
constexpr int kUnits = 4; // loads in flight a thread
constexpr int kTileUnits = kThreads * kUnits;

template <class Unit>
__global__ void __launch_bounds__(kThreads)
    copy_rows_kernel(const Unit *src, Unit *dst, std::int64_t row_units, ActiveRows rows, RowTiles tiles) {
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
                units[u] = __ldcs(src + expert * row_units + first + u * kThreads);
#pragma unroll
        for (int u = 0; u < kUnits; ++u)
            if (first + u * kThreads < row_units)
                __stcs(dst + at.row * row_units + first + u * kThreads, units[u]);
    }
}

template <class Unit>
ms_status launch(const void *src, void *dst, std::int64_t row_bytes, const ActiveRows &rows,
                 std::int64_t max_rows, ms_stream stream) {
    const std::int64_t row_units = row_bytes / std::int64_t(sizeof(Unit));
    const RowTileLaunch plan = plan_row_tiles(max_rows, row_units, kTileUnits);
    copy_rows_kernel<<<plan.blocks, kThreads, 0, stream>>>(
        static_cast<const Unit *>(src), static_cast<Unit *>(dst), row_units, rows, plan.tiles);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace

ms_status copy_rows(const void *src, void *dst, std::int64_t row_bytes, const ActiveRows &rows,
                    std::int64_t max_rows, ms_stream stream) {
    // The widest unit that every row of both arrays is aligned to.
    const std::uintptr_t alignment =
        reinterpret_cast<std::uintptr_t>(src) | reinterpret_cast<std::uintptr_t>(dst) | std::uintptr_t(row_bytes);
    const auto with = alignment % 16 == 0  ? launch<uint4>
                      : alignment % 8 == 0 ? launch<uint2>
                      : alignment % 4 == 0 ? launch<unsigned>
                                           : launch<unsigned short>;
    return with(src, dst, row_bytes, rows, max_rows, stream);
}

} // namespace moescope

extern "C" ms_status ms_select_experts(const ms_select_experts_args *args, ms_stream stream) {
    using namespace moescope;
    ms_select_experts_args full;
    if (const ms_status status = check_select_experts(args, full))
        return status;
    return copy_rows(full.src, full.dst, full.row_bytes, {full.active, full.count, full.capacity, full.experts},
                     full.capacity, stream);
}
