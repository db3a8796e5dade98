// Sums of the same float32 numbers in different orders.
#pragma once

#include "profiler/workload/workload.h"

#include <cstdint>
#include <vector>

namespace moescope::lessons {

// One gradient contribution a row of the workload: its first routing weight times its largest logit.
std::vector<float> contributions(const Workload &workload, int rows);
// The order in which blocks happen to end in the run of that number, as an atomic sum sees it.
std::vector<int> arrival(std::uint64_t seed, int run, int count);
// The running float32 sum of values in an order.
std::vector<float> running_sum(const std::vector<float> &values, const std::vector<int> &order);

} // namespace moescope::lessons
