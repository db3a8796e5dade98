#pragma once

#include "kernels/include/moescope/base.h"

#include <cstdint>

namespace moescope::bench {

// data[i] = deviation * a standard normal value, from a hash of (tensor, i).
void fill_normal(void *data, ms_dtype dtype, std::int64_t count, std::uint32_t tensor,
                 float deviation);

} // namespace moescope::bench
