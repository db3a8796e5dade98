// The least work an operator must do: bytes it must move through device memory (each input read
// once, each output written once) and floating-point operations. The floor is the larger of the two
// times at the device's ceilings. Formulas: kernels' headers and README, "Floors".
#pragma once

#include "profiler/workload/operators.h"
#include "profiler/workload/workload.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace moescope {

struct Cost {
    double bytes = 0; // least bytes through device memory
    double flops = 0; // floating-point operations (multiply and add count two)
    friend bool operator==(const Cost &, const Cost &) = default;
};

struct Ceilings {
    double bytes_per_second = 0;
    double flops_per_second = 0; // matrix units, bf16/f16 with float32 accumulation
    bool measured = false;       // false: derived from the device's clocks and widths
    friend bool operator==(const Ceilings &, const Ceilings &) = default;
};

// counts: slots of each expert under the workload's routing (size E).
Cost minimum_cost(const Workload &workload, OperatorId op, std::string_view variant,
                  std::span<const std::int32_t> counts);
double floor_ns(const Cost &cost, const Ceilings &ceilings);

// Bytes of device memory the operator's inputs, outputs and workspace take: an upper bound that
// needs no routing, so that a shape that does not fit is refused before anything is allocated.
double device_bytes(const Workload &workload, OperatorId op, std::string_view variant);

// The published choice between fused and split LoRA: split when E <= 32 and K*N >= 20,000,000
// (axolotl, scattermoe_lora kernels/ops.py).
bool published_rule_chooses_split(std::int64_t experts, std::int64_t k, std::int64_t n);

} // namespace moescope
