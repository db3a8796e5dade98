// The tile kernel compiled for the host, and the registry that finds it by its constants.
#pragma once

#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/scatter2scatter_params.jit.cuh"

#include <vector>

namespace moescope::test {

using EmulatedFunction = void (*)(Scatter2ScatterParams);

// In the order of kernel_defines(), less the name.
using KernelConstants = std::vector<int>;
KernelConstants constants_of(const scatter2scatter::KernelShape &shape);

struct EmulatedKernel {
    EmulatedKernel(EmulatedFunction function, KernelConstants constants);
    EmulatedFunction function;
    KernelConstants constants;
};

// Null if no instance has these constants.
EmulatedFunction find_emulated(const scatter2scatter::KernelShape &shape);

} // namespace moescope::test
