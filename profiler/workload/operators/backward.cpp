// Gradients of the experts' products. dY is the gradient of a product's output [S, N].
//
//   gate_up_dx     bytes = b[E_act KN + SN + TK]          dY read grouped, dX written by token
//   down_dx        bytes = b[E_act KN + SN + SK]          dY read by slot, dX written grouped
//                  split and extra_k add b E_act R(K + N); the rows by slot that gate_up_dx adds up
//                  are its own cost
//                  FLOP = 2S KN, split and extra_k add 2S R(K + N)
//   gate_up_lora_grad, down_lora_grad
//                  X rows: T for gate_up, S for down
//                  gram      bytes = b[XK + SN + 2SR + ER(K + N)]   X, dY, XA, YB in; dA, dB out
//                            FLOP = 2S R(K + N)
//                  recompute bytes = b[XK + SN + E_act R(K + N) + ER(K + N)]  A, B in for XA, YB
//                            FLOP = 4S R(K + N)
//                  atomic    as gram, with 4 bytes an element of dA and dB
#include "profiler/workload/operators/definition.h"

#include <algorithm>

namespace moescope {

namespace {

constexpr VariantInfo kDxVariants[] = {
    {"base", "Base", "dY W^T alone, without LoRA: what the adapters add is measured against it."},
    {"split", "Split",
     "Three passes: dx = dy W^T, then yb = dy B, then dx += s yb A; dy and dx are read again.",
     true},
    {"extra_k", "Extra K",
     "Two passes: yb = dy B, then one product that is N + R deep: yb A, scaled, and dy W^T share "
     "the same sums.",
     true},
    {kTunedVariant, "Tuned",
     "Whichever of the variants with LoRA the tuner found fastest on this device for this shape, in "
     "its tile. Refused where it has found none yet.",
     true, true},
};

constexpr VariantInfo kGradVariants[] = {
    {"gram", "Gram",
     "Gram products of stored rows: dA = s YB^T X and dB = s dY^T XA read X and dY once; long "
     "experts are cut into chunks whose sums are added in order, the same bits every time.",
     true},
    {"recompute", "Recompute",
     "Keeps no XA and YB: every block makes its own from X, A, dY and B, and multiplies them "
     "again for each block of columns.",
     true},
    {"atomic", "Atomic",
     "As gram, with smaller chunks that all add to a zeroed float32 result: no second pass, and "
     "the last bits change from run to run.",
     true},
};

bool is_gate_up(const CostCase &c) { return c.op.projection == Projection::GateUp; }

Cost dx_cost_of(const CostCase &c, bool lora) {
    const Sizes &s = c.sizes;
    const double dx_rows = is_gate_up(c) ? s.tokens : s.slots;
    Cost cost{s.element * (s.active * s.k * s.n + s.slots * s.n + dx_rows * s.k),
              2 * s.slots * s.k * s.n};
    if (lora) {
        cost.bytes += s.lora(s.active);
        cost.flops += 2 * s.slots * s.rank * (s.k + s.n);
    }
    return cost;
}

Cost dx_cost(const CostCase &c) { return dx_cost_of(c, c.variant.lora); }

double dx_memory(const CostCase &c) {
    const Sizes &s = c.sizes;
    const double rows_by_slot = is_gate_up(c) ? s.element * s.slots * s.k : 0;
    const double yb = c.variant.lora ? s.element * s.slots * (s.rank + 7) : 0; // of whole 16 bytes
    return s.sort_workspace() + dx_cost_of(c, true).bytes + rows_by_slot + yb;
}

Cost lora_grad_cost(const CostCase &c) {
    const Sizes &s = c.sizes;
    const double x_rows = is_gate_up(c) ? s.tokens : s.slots;
    const double out_bytes = c.variant.name == "atomic" ? 4 : s.element;
    const double out = out_bytes * s.experts * s.rank * (s.k + s.n);
    const double rows = s.element * (x_rows * s.k + s.slots * s.n);
    const double flops = 2 * s.slots * s.rank * (s.k + s.n);
    if (c.variant.name == "recompute")
        return {rows + s.lora(s.active) + out, 2 * flops};
    return {rows + 2 * s.element * s.slots * s.rank + out, flops};
}

// Inputs of all variants, the largest output, XA and YB as rows of whole 16 bytes, what makes them
// (a product of 8 columns), and the partial sums of at most 2 S / max(256, 8 R) chunks.
double lora_grad_memory(const CostCase &c) {
    const Sizes &s = c.sizes;
    const double low_rank = 2 * s.element * s.slots * (s.rank + 7);
    const double making = s.element * (s.experts * 8 * (s.k + s.n + 2 * s.rank) + 8 * s.slots);
    const double chunk = std::max(256.0, 8 * s.rank);
    const double partial = 4 * 2 * (s.slots / chunk) * s.rank * (s.k + s.n);
    return s.sort_workspace() + s.element * s.slots * (s.k + s.n) + s.lora(s.experts) + low_rank +
           making + partial + 4 * s.experts * s.rank * (s.k + s.n);
}

constexpr OperatorDefinition kOperators[] = {
    {.info = {.id = OperatorId::GateUpDx,
              .family = OperatorFamily::Backward,
              .name = "gate_up_dx",
              .title = "Gradient of gate and up's input",
              .explain = "Grouped product of dY with the transposed weights, LoRA included, one row "
                         "a slot; then each token adds up its slots' rows in their order.",
              .variants = kDxVariants,
              .tunable = true,
              .half_only = true},
     .cost = dx_cost,
     .memory = dx_memory},
    {.info = {.id = OperatorId::DownDx,
              .family = OperatorFamily::Backward,
              .name = "down_dx",
              .title = "Gradient of down's input",
              .explain = "Grouped product of dY with the transposed weights, LoRA included; gathers "
                         "dY by routed token, writes rows grouped by expert.",
              .variants = kDxVariants,
              .tunable = true,
              .half_only = true,
              .projection = Projection::Down},
     .cost = dx_cost,
     .memory = dx_memory},
    {.info = {.id = OperatorId::GateUpLoraGrad,
              .family = OperatorFamily::Backward,
              .name = "gate_up_lora_grad",
              .title = "Gradients of gate and up's LoRA",
              .explain = "dA and dB of every expert: products over its rows, which read X and dY "
                         "once and are bound by that.",
              .variants = kGradVariants,
              .half_only = true},
     .cost = lora_grad_cost,
     .memory = lora_grad_memory},
    {.info = {.id = OperatorId::DownLoraGrad,
              .family = OperatorFamily::Backward,
              .name = "down_lora_grad",
              .title = "Gradients of down's LoRA",
              .explain = "dA and dB of every expert: products over its rows, which read X and dY "
                         "once and are bound by that.",
              .variants = kGradVariants,
              .half_only = true,
              .projection = Projection::Down},
     .cost = lora_grad_cost,
     .memory = lora_grad_memory},
};

} // namespace

Definitions backward_operators() { return kOperators; }

} // namespace moescope
