// Expert parallelism, of one of P ranks that have T/P tokens and E/P experts each. Rows travel once a
// slot. The costs are those of the whole batch, which one device alone would have; a worker that is one
// of several ranks tells its own part of them, and adds what its link must carry.
//
//   ep_dispatch    bytes = bK(T + S)   every token's row in, a row a slot out
//   ep_experts     bytes = b[E_act(KN + IK) + 2SK]   FLOP = 2S(KN + IK)
//                  extra_k adds b E_act R(K + N + I + K) and 2S R(K + N + I + K)
//   ep_combine     bytes = bK(S + T)
//   ep_layer       as moe_mlp: b[E_act(KN + IK) + 2TK]; extra_k adds the same
#include "profiler/workload/operators/definition.h"

namespace moescope {

namespace {

constexpr VariantInfo kDispatchVariants[] = {
    {"counts_first", "Counts first",
     "Each time the ranks first tell how many rows come: the host waits for that before it can ask for the rows."},
    {"known_counts", "Counts known", "How many rows come is known already, as with a fixed capacity: nothing waits."},
};
constexpr VariantInfo kLayerVariants[] = {
    kDispatchVariants[0],
    kDispatchVariants[1],
    {"extra_k", "LoRA, extra K", "Counts known, and LoRA on every expert: XA first, then products that are K + R deep.", true},
};
constexpr VariantInfo kExpertsVariants[] = {
    {"base", "Base", "Dense weights without LoRA."},
    {"extra_k", "LoRA, extra K", "LoRA on every expert: XA first, then products that are K + R deep.", true},
};
constexpr VariantInfo kCombineVariants[] = {
    {"base", "Base", "A row a slot back to the token's rank, then the weighted sum."},
};

double weights(const CostCase &c) {
    return c.sizes.k * c.sizes.n + double(c.workload.model.intermediate) * c.sizes.k;
}
double lora(const CostCase &c) {
    const double inner = c.workload.model.intermediate;
    return c.variant.lora ? c.sizes.rank * (c.sizes.k + c.sizes.n + inner + c.sizes.k) : 0;
}
double row(const CostCase &c) { return c.sizes.element * c.sizes.k; }

Cost exchange_cost(const CostCase &c) { return {row(c) * (c.sizes.tokens + c.sizes.slots), 0}; }
Cost experts_cost(const CostCase &c) {
    const double numel = weights(c) + lora(c);
    return {c.sizes.element * c.sizes.active * numel + 2 * row(c) * c.sizes.slots, 2 * c.sizes.slots * numel};
}
Cost layer_cost(const CostCase &c) {
    const double numel = weights(c) + lora(c);
    return {c.sizes.element * c.sizes.active * numel + 2 * row(c) * c.sizes.tokens, 2 * c.sizes.slots * numel};
}

// As if every token's slots came to one rank, which has all experts.
double memory(const CostCase &c) {
    const Sizes &s = c.sizes;
    const double rows = s.element * s.slots * (s.n + c.workload.model.intermediate + 5 * s.k + 2 * (s.rank + 7));
    return experts_cost(c).bytes + rows + 2 * row(c) * s.tokens + 64 * s.slots + s.sort_workspace() + 65536;
}

Status check(const Workload &, const OperatorInfo &, std::string_view) {
    return refusal("several ranks run it together",
                   "start moescope ranks by mpirun, srun or torchrun; without one it is the only rank");
}

constexpr OperatorDefinition make(OperatorId id, std::string_view name, std::string_view title, std::string_view explain,
                                  std::span<const VariantInfo> variants, Cost (*cost)(const CostCase &)) {
    return {.info = {.id = id,
                     .family = OperatorFamily::Parallel,
                     .name = name,
                     .title = title,
                     .explain = explain,
                     .variants = variants,
                     .half_only = true,
                     .alternative = true},
            .cost = cost,
            .memory = memory,
            .check = check};
}

constexpr OperatorDefinition kOperators[] = {
    make(OperatorId::EpDispatch, "ep_dispatch", "Dispatch",
         "Every token's row to the ranks of its experts, once for each of them.", kDispatchVariants, exchange_cost),
    make(OperatorId::EpExperts, "ep_experts", "Experts of a rank",
         "The rows that came, through the experts a rank has: sort, gate and up, the activation, down.", kExpertsVariants,
         experts_cost),
    make(OperatorId::EpCombine, "ep_combine", "Combine",
         "The experts' rows back to their tokens' ranks, and the weighted sum there.", kCombineVariants, exchange_cost),
    make(OperatorId::EpLayer, "ep_layer", "Expert-parallel layer", "Dispatch, experts and combine, one after the other.",
         kLayerVariants, layer_cost),
};

} // namespace

Definitions parallel_operators() { return kOperators; }

} // namespace moescope
