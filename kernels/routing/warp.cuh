// Warp-wide sums. Every lane of a full warp takes part and gets the same result.
#pragma once

namespace moescope {

constexpr unsigned kFullWarp = 0xffffffff;
constexpr int kWarpSize = 32;

__device__ inline float warp_sum(float value) {
#pragma unroll
    for (int distance = kWarpSize / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(kFullWarp, value, distance);
    return value;
}

} // namespace moescope
