// NF4 weights, and what keeping them so saves.
#pragma once

#include "tests/benchmarks/device.h"
#include "tests/benchmarks/row.h"

#include <cstdint>
#include <vector>

namespace moescope::bench {

inline constexpr std::int32_t kNf4Block = 64;

// Any bits are two codes a byte, and the codebook's values do not change the time.
ms_expert_weights make_nf4(Memory &memory, std::int32_t experts, std::int64_t expert_numel);

// Of reading the workload's gate_up weights as NF4 rather than dense; negative.
double nf4_less_dense_bytes(Workload workload, const std::vector<std::int32_t> &counts);

} // namespace moescope::bench
