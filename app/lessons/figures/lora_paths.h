// What the ways to compute x W + s (x A) B move through memory.
#pragma once

#include "profiler/workload/workload.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::lessons {

struct Traffic {
    std::string what; // "W", "Y again"
    double bytes = 0;
    int kernel = 0; // of its variant, from 0
};

// gate_up's operands, each read or written once by each kernel that needs it; active: experts with a
// token. variant: fused, split or extra_k.
std::vector<Traffic> lora_traffic(const Workload &workload, std::int64_t active, std::string_view variant);

} // namespace moescope::lessons
