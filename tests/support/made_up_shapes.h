// What the made-up sessions pretend to have measured: a device, models, and kernels with the times
// and sizes of a plausible H200.
#pragma once

#include "profiler/session/records.h"

#include <array>
#include <cstdint>
#include <vector>

namespace moescope::test {

struct KernelShape {
    const char *name;
    double duration_ns;
    std::array<std::int32_t, 3> grid, block;
    std::int32_t registers, dynamic_smem_bytes;
    float occupancy;
    bool overlaps = false; // starts before the one before it ends (programmatic dependent launch)
};

struct OperatorShape {
    OperatorId op;
    const char *variant;
    TileConfig config;
    std::vector<KernelShape> kernels;
    Cost cost;
    std::int64_t input_bytes, output_bytes, workspace_bytes;
};

DeviceInfo h200();
ModelShape qwen();
ModelShape mixtral();
std::vector<OperatorShape> qwen_operators(); // at 8,192 tokens, rank 16

} // namespace moescope::test
