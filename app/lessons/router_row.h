// The router's row of one token, as every run of the workload has it: the same bits as the device's.
#pragma once

#include "profiler/workload/workload.h"

#include <cstdint>
#include <vector>

namespace moescope::lessons {

struct RouterRow {
    std::vector<float> logits;     // [E]
    std::vector<std::int32_t> ids; // [k], as the references choose them
    std::vector<float> weights;    // [k]
};

// Rows of the workload's first tokens.
std::vector<RouterRow> router_rows(const Workload &workload, int tokens);

// The logits that warp_bitonic and the other sorts order, as packed keys: larger value, then lower
// expert first (kernels/routing/order_key.h).
std::vector<std::uint64_t> rank_keys(const std::vector<float> &logits);

} // namespace moescope::lessons
