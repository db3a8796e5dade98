// The one order in which experts are chosen, as integers: every CUDA variant and the reference
// compare these keys, so that they agree to the bit, whatever the logits hold.
#pragma once

#include "kernels/common/host_device.h"

#include <bit>
#include <cstdint>

namespace moescope {

// Unsigned order of the keys = order of the floats. NaN counts as -infinity and -0 as +0. No float
// has the key 0, which therefore stands for "no value".
MS_HOST_DEVICE inline std::uint32_t order_key(float value) {
    if (value != value)
        return 0x007fffff; // that of -infinity
    const std::uint32_t bits = value == 0.0f ? 0 : std::bit_cast<std::uint32_t>(value);
    return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

MS_HOST_DEVICE inline float order_key_value(std::uint32_t key) {
    return std::bit_cast<float>(key & 0x80000000 ? key & 0x7fffffff : ~key);
}

// Orders (value, index) pairs: the larger value first, then the lower index. Distinct indices have
// distinct keys, so that sorting by the key alone is stable by construction. Never 0.
MS_HOST_DEVICE inline std::uint64_t rank_key(float value, std::int32_t index) {
    return std::uint64_t(order_key(value)) << 32 | ~std::uint32_t(index);
}

MS_HOST_DEVICE inline float rank_key_value(std::uint64_t key) {
    return order_key_value(std::uint32_t(key >> 32));
}

MS_HOST_DEVICE inline std::int32_t rank_key_index(std::uint64_t key) {
    return std::int32_t(~std::uint32_t(key));
}

} // namespace moescope
