// An exclusive prefix sum over any number of values by one block.
#pragma once

#include <cub/block/block_scan.cuh>

namespace moescope {

template <int kThreads> class BlockPrefixSum {
    using Scan = cub::BlockScan<int, kThreads, cub::BLOCK_SCAN_WARP_SCANS>;

  public:
    using Storage = typename Scan::TempStorage; // in shared memory

    // Calls use(i, prefix) for every i < count, prefix being the sum of value(j) over j < i;
    // returns the sum of all. The whole block calls it with the same count. A thread asks value(i)
    // and then gets use(i) for the same i, and the block is synchronised at the end.
    template <class Value, class Use>
    __device__ static int run(Storage &storage, int count, Value value, Use use) {
        int total = 0;
        for (int start = 0; start < count; start += kThreads) {
            const int i = start + int(threadIdx.x);
            int prefix, sum;
            Scan(storage).ExclusiveSum(i < count ? value(i) : 0, prefix, sum);
            if (i < count)
                use(i, total + prefix);
            total += sum;
            __syncthreads();
        }
        return total;
    }
};

} // namespace moescope
