// Logits to weights and experts.
//
//   softmax_topk, sigmoid_topk, sqrtsoftplus_topk
//                  bytes = cTE + 8Tk (+ 4E)               logits in, c bytes each (ModelShape::router_logits);
//                                                         weights and ids out; the correction bias
//   router         bytes = b(TH + EH) + 4TE + 8Tk (+ 4E)  logits are an output of the call
//                  lora adds bR(H + E)
//                  FLOP = 2THE, lora adds 2TR(H + E)
#include "kernels/routing/topk_shapes.h"
#include "profiler/workload/operators/definition.h"

#include <algorithm>
#include <string>

namespace moescope {

namespace {

constexpr int kWarpBitonicExperts = 32;
constexpr int kSortedExperts = 1024;

constexpr VariantInfo kWarpSelect = {
    "warp_select", "Warp select",
    "A warp or a part of one a token: each lane sorts the few experts it holds, and the best of the "
    "lanes' heads is taken k times, or the lanes' lists are merged; E <= 1024, k <= 32."};
constexpr VariantInfo kScalar = {
    "scalar", "Scalar", "One thread a token walks all experts k times: the baseline, for any E."};
constexpr VariantInfo kSoftmaxVariants[] = {
    kWarpSelect,
    {"warp_bitonic", "Warp bitonic",
     "One warp a token: each lane holds one expert and the warp sorts by exchanging registers; E "
     "<= 32."},
    {"block_merge_sort", "Block merge sort",
     "One block a token: CUB's BlockMergeSort on 64-bit keys that pack the logit with the expert; "
     "E <= 1024."},
    kScalar,
};
constexpr VariantInfo kScoreVariants[] = {kWarpSelect, kScalar};
constexpr VariantInfo kRouterVariants[] = {
    {"plain", "Plain", "Hidden states times the gate weight, then the model's own routing."},
    {"lora", "Gate LoRA", "The same with a low-rank update of the gate: logits + s (x A^T) B^T.",
     true},
};

double bias_bytes(const CostCase &c) {
    return c.workload.model.correction_bias ? 4 * c.sizes.experts : 0;
}

Cost topk_cost(const CostCase &c) {
    const double logit = double(bytes_of(c.workload.model.router_logits()));
    return {logit * c.sizes.tokens * c.sizes.experts + c.sizes.routing_outputs() + bias_bytes(c), 0};
}

double topk_memory(const CostCase &c) { return c.sizes.routing_outputs() + 4 * c.sizes.experts; }

Cost gate_cost(const Sizes &s, bool lora) {
    Cost cost{s.element * (s.tokens + s.experts) * s.hidden + s.logits() + s.routing_outputs(),
              2 * s.tokens * s.hidden * s.experts};
    if (lora) {
        cost.bytes += s.element * s.rank * (s.hidden + s.experts);
        cost.flops += 2 * s.tokens * s.rank * (s.hidden + s.experts);
    }
    return cost;
}

Cost router_cost(const CostCase &c) {
    Cost cost = gate_cost(c.sizes, c.variant.lora);
    cost.bytes += bias_bytes(c);
    return cost;
}

double router_memory(const CostCase &c) {
    // The product's parts: few tokens have many, and together no more rows than this.
    const double rows = std::max(c.sizes.tokens, 16384.0);
    const double parts = 4 * rows * (c.sizes.experts + c.sizes.rank);
    return gate_cost(c.sizes, true).bytes + 4 * c.sizes.experts + parts;
}

Status check_most(const ModelShape &model, int most) {
    if (model.experts <= most)
        return {};
    return refusal("it takes up to " + std::to_string(most) + " experts and " + model.name +
                   " has " + std::to_string(model.experts));
}

// The sorts take a softmax over all experts and nothing else.
Status check_sort(const ModelShape &model, int most) {
    if (model.router == RouterKind::TopkSoftmax || model.router == RouterKind::TopkSigmoid)
        return refusal(model.name + " weighs only the selected logits, and it weighs all");
    if (model.groups_kept < model.groups)
        return refusal(model.name + " keeps " + std::to_string(model.groups_kept) + " of " +
                       std::to_string(model.groups) + " groups of experts, and it selects among all");
    if (model.correction_bias)
        return refusal(model.name + " selects by its score plus a correction bias, and it has none");
    return check_most(model, most);
}

Status check_warp_select(const Workload &workload) {
    const ModelShape &model = workload.model;
    const int groups = model.groups_kept < model.groups ? model.groups : 1;
    if (const Status status = check_most(model, kSortedExperts); !status)
        return status;
    if (model.top_k > kMaxWarpSelectTopK)
        return refusal("it selects up to " + std::to_string(kMaxWarpSelectTopK) + " experts and " +
                       model.name + " selects " + std::to_string(model.top_k));
    if (warp_select_shape(model.experts, groups, model.top_k).lanes == 0)
        return refusal("its lanes cannot be dealt to groups of " +
                       std::to_string(model.experts / groups) + " experts");
    return {};
}

Status check_topk(const Workload &workload, const OperatorInfo &, std::string_view variant) {
    if (variant == "warp_select")
        return check_warp_select(workload);
    if (variant == "warp_bitonic")
        return check_sort(workload.model, kWarpBitonicExperts);
    if (variant == "block_merge_sort")
        return check_sort(workload.model, kSortedExperts);
    return {};
}

bool softmax_routes(const ModelShape &model) {
    return model.router == RouterKind::Softmax || model.router == RouterKind::TopkSoftmax;
}
bool sigmoid_routes(const ModelShape &model) {
    return model.router == RouterKind::Sigmoid || model.router == RouterKind::TopkSigmoid;
}
bool sqrt_softplus_routes(const ModelShape &model) {
    return model.router == RouterKind::SqrtSoftplus;
}

constexpr OperatorDefinition kOperators[] = {
    {.info = {.id = OperatorId::SoftmaxTopk,
              .family = OperatorFamily::Routing,
              .name = "softmax_topk",
              .title = "Softmax top-k",
              .explain = "Softmax over all experts in float32, or over the selected ones, and the k "
                         "largest for each token, under the model's bias and groups; equal ones go "
                         "to the lower expert.",
              .variants = kSoftmaxVariants},
     .cost = topk_cost,
     .memory = topk_memory,
     .check = check_topk,
     .used_by = softmax_routes},
    {.info = {.id = OperatorId::SigmoidTopk,
              .family = OperatorFamily::Routing,
              .name = "sigmoid_topk",
              .title = "Sigmoid top-k",
              .explain = "Sigmoid scores; a bias and the groups of experts decide the selection, "
                         "and the unbiased score is the weight.",
              .variants = kScoreVariants},
     .cost = topk_cost,
     .memory = topk_memory,
     .check = check_topk,
     .used_by = sigmoid_routes},
    {.info = {.id = OperatorId::SqrtSoftplusTopk,
              .family = OperatorFamily::Routing,
              .name = "sqrtsoftplus_topk",
              .title = "Square root of softplus top-k",
              .explain = "Scores sqrt(log(1 + exp(logit))); a bias decides the selection, and the "
                         "unbiased score is the weight.",
              .variants = kScoreVariants},
     .cost = topk_cost,
     .memory = topk_memory,
     .check = check_topk,
     .used_by = sqrt_softplus_routes},
    {.info = {.id = OperatorId::Router,
              .family = OperatorFamily::Routing,
              .name = "router",
              .title = "Router",
              .explain = "Hidden states to experts in one call: the gate's matrix product, then the "
                         "model's own top-k.",
              .variants = kRouterVariants,
              .half_only = true},
     .cost = router_cost,
     .memory = router_memory},
};

} // namespace

Definitions routing_operators() { return kOperators; }

} // namespace moescope
