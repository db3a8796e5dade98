// The published grid's products.
#pragma once

#include "tests/benchmarks/grouped.h"

namespace moescope::bench {

inline const GroupedShape kQwenGateUp{"Qwen3.5-35B-A3B gate_up", 256, 2048, 1024, 8, false};
inline const GroupedShape kQwenDown{"Qwen3.5-35B-A3B down", 256, 512, 2048, 8, true};
inline const GroupedShape kOlmoeGateUp{"OLMoE-1B-7B gate_up", 64, 2048, 2048, 8, false};
inline const GroupedShape kMixtralGateUp{"Mixtral-8x7B gate_up", 8, 4096, 28672, 2, false};
inline const GroupedShape kMixtralDown{"Mixtral-8x7B down", 8, 14336, 4096, 2, true};
// Neither K nor N is a multiple of 64, or of any tile; and the shape beside it that has both.
inline const GroupedShape kOdd{"E64 k8, 2040x1016", 64, 2040, 1016, 8, false};
inline const GroupedShape kEven{"E64 k8, 2048x1024", 64, 2048, 1024, 8, false};

} // namespace moescope::bench
