// One block: thread t looks at experts 4t .. 4t + 3, and a scan says where their places begin.
#include "kernels/common/cuda_check.h"
#include "kernels/dequant/dequant_checks.h"

#include <cub/block/block_scan.cuh>

#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 1024;
constexpr int kEach = 4096 / kThreads;

using Scan = cub::BlockScan<int, kThreads>;

__global__ void __launch_bounds__(kThreads) compact_experts_kernel(ms_compact_experts_args args) {
    __shared__ Scan::TempStorage storage;
    const int first = int(threadIdx.x) * kEach;
    std::int32_t begin[kEach + 1];
#pragma unroll
    for (int i = 0; i <= kEach; ++i)
        begin[i] = args.offsets[min(first + i, args.experts)];
    int mine = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i)
        mine += begin[i] < begin[i + 1];
    int place = 0, found = 0;
    Scan(storage).ExclusiveSum(mine, place, found);
    const int count = min(found, args.capacity);
#pragma unroll
    for (int i = 0; i < kEach; ++i)
        if (begin[i] < begin[i + 1] && place < args.capacity) {
            args.active[place] = first + i;
            args.compact_offsets[place++] = begin[i];
        }
    const std::int32_t end = args.offsets[args.experts];
    for (int i = count + int(threadIdx.x); i <= args.capacity; i += kThreads) {
        args.compact_offsets[i] = end;
        if (i < args.capacity)
            args.active[i] = -1;
    }
    if (threadIdx.x == 0)
        *args.count = count;
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_compact_experts(const ms_compact_experts_args *args, ms_stream stream) {
    using namespace moescope;
    ms_compact_experts_args full;
    if (const ms_status status = check_compact_experts(args, full))
        return status;
    compact_experts_kernel<<<1, kThreads, 0, stream>>>(full);
    MS_LAUNCH_CHECK();
    return succeed();
}
