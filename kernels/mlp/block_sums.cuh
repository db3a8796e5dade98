// Sums over a block's threads, in an order that depends on the block's size alone.
#pragma once

namespace moescope {

// kSums sums at once; sum i comes back to thread i, i < kSums <= 32. `of_warps` may be used again
// after the next __syncthreads(). Blocks of whole warps, at most 32 * kMaxWarps threads.
template <int kSums, int kMaxWarps>
__device__ float sum_over_block(float (&partial)[kSums], float (&of_warps)[kSums][kMaxWarps]) {
#pragma unroll
    for (int i = 0; i < kSums; ++i) {
#pragma unroll
        for (int step = 16; step > 0; step /= 2)
            partial[i] += __shfl_xor_sync(~0u, partial[i], step);
        if (threadIdx.x % 32 == 0)
            of_warps[i][threadIdx.x / 32] = partial[i];
    }
    __syncthreads();
    float sum = 0;
    if (threadIdx.x < kSums)
        for (int warp = 0; warp < int(blockDim.x) / 32; ++warp)
            sum += of_warps[threadIdx.x][warp];
    return sum;
}

} // namespace moescope
