// The experts' matrix products, with LoRA.
//
//   gate_up        bytes = b[E_act KN + TK + SN]          x read by token, y written grouped
//   down           bytes = b[E_act KN + SK + SN]          x read grouped, y written by slot
//                  fused, split and extra_k add b E_act R(K + N); all have the same floor: what
//                  split and extra_k move besides is their own cost
//                  FLOP = 2S KN, fused, split and extra_k add 2S R(K + N)
#include "profiler/workload/operators/definition.h"

namespace moescope {

namespace {

constexpr VariantInfo kGroupedVariants[] = {
    {"base", "Base",
     "The grouped product alone, without LoRA: what the adapters add is measured against it."},
    {"fused", "Fused",
     "Base product and LoRA in one kernel: x A^T accumulates beside x W while x is on chip.", true},
    {"split", "Split",
     "Three passes: y = x W, then xa = x A^T, then y += s xa B^T; x and y are read again.", true},
    {"extra_k", "Extra K",
     "Two passes: xa = x A^T, then one product that is K + R deep: xa B^T, scaled, and x W share "
     "the same sums.",
     true},
    {kTunedVariant, "Tuned",
     "Whichever of the variants with LoRA the tuner found fastest on this device for this shape, in "
     "its tile. Refused where it has found none yet.",
     true, true},
};

Cost product_cost(const Sizes &s, OperatorId op, bool lora) {
    const double x_rows = op == OperatorId::GateUp ? s.tokens : s.slots;
    Cost cost{s.element * (s.active * s.k * s.n + x_rows * s.k + s.slots * s.n),
              2 * s.slots * s.k * s.n};
    if (lora) {
        cost.bytes += s.lora(s.active);
        cost.flops += 2 * s.slots * s.rank * (s.k + s.n);
    }
    return cost;
}

Cost grouped_cost(const CostCase &c) { return product_cost(c.sizes, c.op.id, c.variant.lora); }

double grouped_memory(const CostCase &c) {
    const Sizes &s = c.sizes;
    const bool keeps_xa = c.variant.name != "base" && c.variant.name != "fused";
    const double xa_rows = s.element * s.slots * (s.rank + 7); // of whole 16 bytes
    return s.sort_workspace() + product_cost(s, c.op.id, true).bytes + (keeps_xa ? xa_rows : 0);
}

constexpr OperatorDefinition kOperators[] = {
    {.info = {.id = OperatorId::GateUp,
              .family = OperatorFamily::Grouped,
              .name = "gate_up",
              .title = "Gate and up projection",
              .explain = "Grouped product of each token with its experts' gate and up weights; "
                         "gathers tokens, writes rows grouped by expert.",
              .variants = kGroupedVariants,
              .tunable = true,
              .half_only = true},
     .cost = grouped_cost,
     .memory = grouped_memory},
    {.info = {.id = OperatorId::Down,
              .family = OperatorFamily::Grouped,
              .name = "down",
              .title = "Down projection",
              .explain = "Grouped product of the experts' inner rows with their down weights; "
                         "reads grouped rows, scatters to routed tokens.",
              .variants = kGroupedVariants,
              .tunable = true,
              .half_only = true,
              .projection = Projection::Down},
     .cost = grouped_cost,
     .memory = grouped_memory},
};

} // namespace

Definitions grouped_operators() { return kOperators; }

} // namespace moescope
