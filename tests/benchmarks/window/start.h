// From the click to the first launch.
#pragma once

#include "profiler/base/result.h"

#include <string>

namespace moescope::bench {

struct StartCost {
    std::string device;
    double first_ms = 0; // of the first plan: kernels may have to be compiled or loaded
    double ms = 0;       // of the same plan again
};

// A plan of 100 short launches given to a worker as the Run button gives it, twice. On a GPU the first
// launch is the first kernel record's start; on the cpu device, which records none, the moment the
// window knows that the measurement runs. Errors: no worker, or the plan fails.
Result<StartCost> start_of_plan(const std::string &worker);

} // namespace moescope::bench
