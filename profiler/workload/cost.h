// The least work an operator must do: bytes it must move through device memory (each input read
// once, each output written once) and floating-point operations of its matrix products. The floor
// is the larger of the two times at the device's ceilings, or what one launch takes.
//
// Names: T tokens, k top-k, S routed slots (the sum of counts), E experts, E_act experts with at
// least one slot, H hidden size, R LoRA rank, b bytes of the model's dtype. Logits, weights and ids
// are 4 bytes each. K x N is one expert's weight: gate_up has K = the experts' input size (H, or the
// latent size) and N = 2I (I where there is no gate); down has K = I and N = the experts' input size.
//
// The formulas stand at the heads of the families' files in profiler/workload/operators/.
//
// FLOPs count multiply and add as two, and only those of matrix products: exponentials, comparisons
// and the scaling of dequantised values never bound these operators. Tile schedules and the grouped
// operators' index arrays (under 0.1 % of the weights) are left out, as in the published formulas.
#pragma once

#include "profiler/workload/operators.h"
#include "profiler/workload/workload.h"

#include <cstdint>
#include <span>
#include <string>
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
    // Whether each was measured on the device; if not, it is derived from its clocks and widths.
    bool bytes_measured = false, flops_measured = false;
    // When, in nanoseconds since the Unix epoch; 0: not measured, or nobody noted it.
    std::int64_t bytes_measured_ns = 0, flops_measured_ns = 0;
    // What lies in the L2 already, read again and again; 0: not measured. No floor counts with it.
    double l2_bytes_per_second = 0;
    std::int64_t l2_measured_ns = 0;
    // What a kernel that does nothing takes in a row of them; 0: not known. Without a time of its measurement it
    // is derived: the shortest kernel that was seen.
    double launch_ns = 0;
    std::int64_t launch_measured_ns = 0;
    friend bool operator==(const Ceilings &, const Ceilings &) = default;
};

// `now`, with what is only derived there replaced by what `known` has measured.
Ceilings with_measured(Ceilings now, const Ceilings &known);

// "measured" or "derived".
std::string_view ceiling_origin(bool measured);
// Where launch_ns comes from, as a sentence; "" where it is not known.
std::string launch_origin(const Ceilings &ceilings);

// One expert's weight [K, N].
struct WeightSize {
    std::int64_t k = 0, n = 0;
    std::int64_t numel() const { return k * n; }
};
// Of the operator's projection; gate_up's for an operator of neither.
WeightSize weight_size(const ModelShape &model, OperatorId op);

std::int64_t bytes_of(DType dtype);

// counts: slots of each expert under the workload's routing (size E).
Cost minimum_cost(const Workload &workload, OperatorId op, std::string_view variant,
                  std::span<const std::int32_t> counts);
// The largest of bytes and FLOPs over their ceilings and of one launch; a ceiling of 0 is unknown and left
// out. None without bytes and FLOPs.
enum class Bound { None, Memory, MatrixUnits, Launch };
struct Floor {
    double ns = 0;
    Bound by = Bound::None;
};
Floor floor_of(const Cost &cost, const Ceilings &ceilings);
double floor_ns(const Cost &cost, const Ceilings &ceilings);
constexpr const char *title_of(Bound bound) {
    constexpr const char *kTitles[] = {"", "memory", "matrix units", "launch"};
    return kTitles[int(bound)];
}

// Bytes of device memory the operator's inputs, outputs and workspace take: an upper bound that
// needs no routing (every expert active), so that a shape that does not fit is refused before
// anything is allocated. Includes the routing inputs every run makes (logits, ids, their tables).
double device_bytes(const Workload &workload, OperatorId op, std::string_view variant);

// The published choice between fused and split LoRA: split when E <= 32 and K*N >= 20,000,000
// (axolotl, scattermoe_lora kernels/ops.py).
bool published_rule_chooses_split(std::int64_t experts, std::int64_t k, std::int64_t n);

} // namespace moescope
