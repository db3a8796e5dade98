// The whole gated MLP: gate_up [K -> N], activation, down [I -> K], weighted sum. Every input is read
// once and every output written once; what one step hands the next is its own cost.
//
//   moe_mlp        bytes = b[E_act(KN + IK) + 2TK] + 4S   x in, out; weights of the routing
//                  FLOP = 2S(KN + IK)
//                  fused, split and extra_k add b E_act R(K + N + I + K) and 2S R(K + N + I + K)
//                  nf4_in_kernel(_lora): b of the weights is 1/2 + 4/q bytes (blocks of q values,
//                  float32 absmax)
//                  selective(_lora): the same bytes; the 16-bit copy between is its own cost
//   moe_mlp_backward
//                  bytes = b[E_act(KN + IK) + S(N + I + K) + 3TK] + 8S   h, act, y, x, dout in; dx out;
//                          weights in, their gradients out
//                  FLOP = 2S(KN + IK)
//                  split and extra_k add b[(E_act + E) R(K + N + I + K) + 2SR] and
//                  4S R(K + N + I + K): A and B, and their gradients; XA of both
#include "profiler/workload/operators/definition.h"

#include <string>

namespace moescope {

namespace {

constexpr VariantInfo kForwardVariants[] = {
    {"base", "Base", "Dense weights without LoRA: what the adapters add is measured against it."},
    {"fused", "Fused", "LoRA inside both matrix kernels: XA accumulates beside Y in the main loop.", true},
    {"split", "Split", "LoRA in three passes a projection: Y = XW, XA, then Y += s XA B.", true},
    {"extra_k", "Extra K",
     "XA first, then one product a projection that is K + R deep: XA B and X W share the same sums.",
     true},
    {"nf4_in_kernel", "NF4 in the kernel",
     "Weights stay NF4 in memory: both matrix kernels look their nibbles up in a table, and no "
     "16-bit copy is ever written."},
    {"selective", "Expanded first",
     "The quantised weights of the experts with slots are expanded to 16 bits first, one projection "
     "at a time in the same memory; then as Base."},
    {"nf4_in_kernel_lora", "QLoRA, NF4 in the kernel",
     "As NF4 in the kernel, with XA made first and XA B summed beside X W.", true},
    {"selective_lora", "QLoRA, expanded first", "As Expanded first, then as Extra K.", true},
};
constexpr VariantInfo kBackwardVariants[] = {
    {"base", "Base", "The gradients of x and of the routing weights; the weights themselves are frozen."},
    {"split", "Split", "With LoRA's gradients; dX in three passes a projection.", true},
    {"extra_k", "Extra K", "With LoRA's gradients; dX as one product with dY B as extra depth.", true},
    {"selective", "QLoRA, expanded first",
     "As Extra K, with frozen weights that are quantised: those of the experts with slots are "
     "expanded to 16 bits first, one projection at a time in the same memory.",
     true},
};

// Of one expert.
struct LayerSizes {
    double weights, lora;

    explicit LayerSizes(const CostCase &c) {
        const double inner = c.workload.model.intermediate;
        weights = c.sizes.k * c.sizes.n + inner * c.sizes.k;
        lora = c.sizes.rank * (c.sizes.k + c.sizes.n + inner + c.sizes.k);
    }
};

bool is_quantised(std::string_view variant) {
    return variant.starts_with("nf4_in_kernel") || variant.starts_with("selective");
}

double nf4_bytes(const Workload &workload) { return 0.5 + 4.0 / workload.quant_block; }
// Of one value of the weights, as the variant finds them.
double weight_bytes(const CostCase &c) {
    if (is_quantised(c.variant.name))
        return nf4_bytes(c.workload);
    return c.sizes.element;
}

Cost forward_cost_of(const CostCase &c, bool lora, double weight_bytes) {
    const Sizes &s = c.sizes;
    const LayerSizes layer(c);
    Cost cost{weight_bytes * s.active * layer.weights + 2 * s.element * s.tokens * s.k + 4 * s.slots,
              2 * s.slots * layer.weights};
    if (lora) {
        cost.bytes += s.element * s.active * layer.lora;
        cost.flops += 2 * s.slots * layer.lora;
    }
    return cost;
}

Cost forward_cost(const CostCase &c) {
    return forward_cost_of(c, c.variant.lora, weight_bytes(c));
}

// h, act, y, and XA of both as rows of whole 16 bytes.
double saved_rows(const CostCase &c) {
    const Sizes &s = c.sizes;
    return s.element * s.slots * (s.n + c.workload.model.intermediate + s.k + 2 * (s.rank + 7));
}

// Both forms of the weights, the saved rows, and the schedules of the smallest tile.
double forward_memory(const CostCase &c) {
    const Sizes &s = c.sizes;
    return s.sort_workspace() + forward_cost_of(c, true, s.element + nf4_bytes(c.workload)).bytes +
           saved_rows(c) + 16 * (s.slots / 16 + s.experts) + 4096;
}

Cost backward_cost_of(const CostCase &c, bool lora, double weight_bytes) {
    const Sizes &s = c.sizes;
    const LayerSizes layer(c);
    const double inner = c.workload.model.intermediate;
    Cost cost{weight_bytes * s.active * layer.weights +
                  s.element * (s.slots * (s.n + inner + s.k) + 3 * s.tokens * s.k) + 8 * s.slots,
              2 * s.slots * layer.weights};
    if (lora) {
        cost.bytes += s.element * ((s.active + s.experts) * layer.lora + 2 * s.slots * s.rank);
        cost.flops += 4 * s.slots * layer.lora;
    }
    return cost;
}

Cost backward_cost(const CostCase &c) { return backward_cost_of(c, c.variant.lora, weight_bytes(c)); }

// The forward call that comes first, the gradients of its rows, dY*B, and LoRA's partial sums of at
// most 2 S / 512 chunks.
double backward_memory(const CostCase &c) {
    const Sizes &s = c.sizes;
    const double partial = 4 * 2 * (s.slots / 512 + 1) * LayerSizes(c).lora;
    return forward_memory(c) + backward_cost_of(c, true, s.element).bytes + saved_rows(c) + partial + 65536;
}

// The weights are NF4; and what the kernel that decodes them wants of both depths.
Status check_nf4(const Workload &workload, const OperatorInfo &, std::string_view variant) {
    const bool whole = workload.model.expert_hidden() % 32 == 0 && workload.model.intermediate % 32 == 0;
    if (!is_quantised(variant))
        return {};
    if (workload.quant_format != QuantFormat::NF4)
        return refusal(std::string("its weights are NF4 and the format is ") + name_of(workload.quant_format),
                       "choose nf4");
    if (whole || variant.starts_with("selective"))
        return {};
    return refusal("the kernel reads 32 NF4 values at a time, and the experts' sizes are no multiples of 32",
                   "use selective for this shape");
}

constexpr OperatorDefinition kOperators[] = {
    {.info = {.id = OperatorId::MoeMlp,
              .family = OperatorFamily::Layer,
              .name = "moe_mlp",
              .title = "Gated MLP",
              .explain = "The experts of a layer, routed already, in one call: gate and up, the "
                         "activation, down, and the weighted sum of a token's experts.",
              .variants = kForwardVariants,
              .half_only = true},
     .cost = forward_cost,
     .memory = forward_memory,
     .check = check_nf4},
    {.info = {.id = OperatorId::MoeMlpBackward,
              .family = OperatorFamily::Layer,
              .name = "moe_mlp_backward",
              .title = "Gradient of the gated MLP",
              .explain = "From the gradient of the layer's output to those of its input, of the "
                         "routing weights and of LoRA's matrices, in one call.",
              .variants = kBackwardVariants,
              .half_only = true},
     .cost = backward_cost,
     .memory = backward_memory,
     .check = check_nf4},
};

} // namespace

Definitions layer_operators() { return kOperators; }

} // namespace moescope
