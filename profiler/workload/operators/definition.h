// What one operator is to plans and floors. A family's file lists its operators: to add one, add its
// id (profiler/workload/operators.h), its definition here and its launch (profiler/worker/operators).
//
// The files of this folder are plain C++ without libraries: the benchmarks link them where there is
// nothing but a compiler.
#pragma once

#include "profiler/workload/cost.h"
#include "profiler/workload/operators.h"
#include "profiler/workload/workload.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace moescope {

// The quantities of the formulas (cost.h names them), as doubles: a product of five sizes may pass
// 2^63.
struct Sizes {
    double tokens, experts, active, top_k, hidden, slots, rank, element, k, n;

    double routing_outputs() const { return 8 * tokens * top_k; }
    double logits() const { return 4 * tokens * experts; }
    double active_list() const { return 4 * slots + 8 * experts + 4; }
    double lora(double experts_with_it) const { return element * experts_with_it * rank * (k + n); }
    // Counts, offsets, both permutations and the schedule of the smallest tile (16 rows).
    double metadata() const {
        return 8 * slots + 12 * experts + 4 + 8 * (slots / 16 + experts);
    }
    // Block histograms of the counting sort.
    double sort_workspace() const { return 4 * experts * (slots / 256 + 1); }
};

struct CostCase {
    const Workload &workload;
    const OperatorInfo &op;
    const VariantInfo &variant;
    Sizes sizes; // of the routing at hand; for memory, with every expert active
};

struct OperatorDefinition {
    OperatorInfo info;
    Cost (*cost)(const CostCase &) = nullptr;
    // Inputs, outputs and workspace beside what every run makes: an upper bound. An operator makes
    // the inputs of all its variants, whichever run.
    double (*memory)(const CostCase &) = nullptr;
    // Why the variant cannot run the workload, as {"", why, remedy}; null where a rank and a dtype
    // that the variant takes are enough.
    Status (*check)(const Workload &, const OperatorInfo &, std::string_view variant) = nullptr;
    // Whether the model's own layer has it; null: every model's does.
    bool (*used_by)(const ModelShape &) = nullptr;
};

// The reason of a check that fails; the caller says which operator.
inline Error refusal(std::string why, std::string remedy = {}) {
    return {{}, std::move(why), std::move(remedy)};
}

const OperatorDefinition &definition(OperatorId id);

using Definitions = std::span<const OperatorDefinition>;
Definitions routing_operators();
Definitions metadata_operators();
Definitions grouped_operators();
Definitions dequant_operators();
Definitions backward_operators();
Definitions layer_operators();
Definitions logprob_operators();
Definitions parallel_operators();

} // namespace moescope
