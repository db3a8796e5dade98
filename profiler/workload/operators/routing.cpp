// Logits to weights and experts.
//
//   softmax_topk   bytes = 4TE + 8Tk                      logits in; weights and ids out
//   sigmoid_topk   bytes = 4TE + 8Tk (+ 4E)               with the correction bias, where there is one
//   router         bytes = b(TH + EH) + 4TE + 8Tk         logits are an output of the call
//                  lora adds bR(H + E)
//                  FLOP = 2THE, lora adds 2TR(H + E)
#include "profiler/workload/operators/definition.h"

#include <string>

namespace moescope {

namespace {

constexpr int kWarpBitonicExperts = 32;
constexpr int kSortedExperts = 1024;

constexpr VariantInfo kSoftmaxVariants[] = {
    {"warp_bitonic", "Warp bitonic",
     "One warp a token: each lane holds one expert and the warp sorts by exchanging registers; E "
     "<= 32."},
    {"block_merge_sort", "Block merge sort",
     "One block a token: CUB's BlockMergeSort on 64-bit keys that pack the logit with the expert; "
     "E <= 1024."},
    {"scalar", "Scalar", "One thread a token walks all experts k times: the baseline, for any E."},
};
constexpr VariantInfo kSigmoidVariants[] = {
    {"warp", "Warp",
     "One warp a token: scores, group selection and top-k by exchanges within the warp; E <= "
     "1024."},
};
constexpr VariantInfo kRouterVariants[] = {
    {"plain", "Plain", "Hidden states times the gate weight, then the model's own routing."},
    {"lora", "Gate LoRA", "The same with a low-rank update of the gate: logits + s (x A^T) B^T.",
     true},
};

Cost topk_cost(const CostCase &c) {
    const bool bias = c.op.id == OperatorId::SigmoidTopk && c.workload.model.correction_bias;
    return {c.sizes.logits() + c.sizes.routing_outputs() + (bias ? 4 * c.sizes.experts : 0), 0};
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

Cost router_cost(const CostCase &c) { return gate_cost(c.sizes, c.variant.lora); }

double router_memory(const CostCase &c) {
    const double metadata = 5 * c.sizes.tokens + 1024; // the identity's, smallest tile's schedule
    return gate_cost(c.sizes, true).bytes + 4 * c.sizes.experts + metadata;
}

Status check_router_kind(const ModelShape &model) {
    if (model.router == RouterKind::SqrtSoftplus)
        return refusal(model.name +
                           " routes by sqrt(softplus(logit)), for which there is no kernel yet",
                       "the grouped operators run");
    return {};
}

Status check_softmax(const ModelShape &model) {
    if (model.router == RouterKind::Sigmoid)
        return {};
    if (model.groups > 1)
        return refusal(model.name + " keeps " + std::to_string(model.groups_kept) + " of " +
                           std::to_string(model.groups) +
                           " groups of experts, and softmax_topk selects among all",
                       "the grouped operators run");
    if (model.correction_bias)
        return refusal(model.name +
                           " selects by softmax plus a correction bias, and softmax_topk has none",
                       "the grouped operators run");
    return {};
}

Status check_sigmoid(const ModelShape &model) {
    if (model.experts <= kSortedExperts)
        return {};
    return refusal("sigmoid_topk takes up to " + std::to_string(kSortedExperts) + " experts and " +
                   model.name + " has " + std::to_string(model.experts));
}

Status check_softmax_topk(const Workload &workload, const OperatorInfo &,
                          std::string_view variant) {
    const ModelShape &model = workload.model;
    for (const Status &status : {check_router_kind(model), check_softmax(model)})
        if (!status)
            return status;
    const int most = variant == "warp_bitonic"       ? kWarpBitonicExperts
                     : variant == "block_merge_sort" ? kSortedExperts
                                                     : model.experts;
    if (model.experts <= most)
        return {};
    return refusal("it takes up to " + std::to_string(most) + " experts and " + model.name +
                   " has " + std::to_string(model.experts));
}

Status check_sigmoid_topk(const Workload &workload, const OperatorInfo &, std::string_view) {
    if (const Status status = check_router_kind(workload.model); !status)
        return status;
    return check_sigmoid(workload.model);
}

Status check_router(const Workload &workload, const OperatorInfo &, std::string_view) {
    const ModelShape &model = workload.model;
    if (const Status status = check_router_kind(model); !status)
        return status;
    return model.router == RouterKind::Sigmoid ? check_sigmoid(model) : check_softmax(model);
}

bool softmax_routes(const ModelShape &model) {
    return model.router == RouterKind::Softmax || model.router == RouterKind::TopkSoftmax;
}
bool sigmoid_routes(const ModelShape &model) { return model.router == RouterKind::Sigmoid; }

constexpr OperatorDefinition kOperators[] = {
    {.info = {.id = OperatorId::SoftmaxTopk,
              .family = OperatorFamily::Routing,
              .name = "softmax_topk",
              .title = "Softmax top-k",
              .explain = "Softmax over all experts in float32, then the k largest for each token; "
                         "equal logits go to the lower expert.",
              .variants = kSoftmaxVariants},
     .cost = topk_cost,
     .memory = topk_memory,
     .check = check_softmax_topk,
     .used_by = softmax_routes},
    {.info = {.id = OperatorId::SigmoidTopk,
              .family = OperatorFamily::Routing,
              .name = "sigmoid_topk",
              .title = "Sigmoid top-k",
              .explain = "Sigmoid scores; a bias and the groups of experts decide the selection, "
                         "and the unbiased score is the weight.",
              .variants = kSigmoidVariants},
     .cost = topk_cost,
     .memory = topk_memory,
     .check = check_sigmoid_topk,
     .used_by = sigmoid_routes},
    {.info = {.id = OperatorId::Router,
              .family = OperatorFamily::Routing,
              .name = "router",
              .title = "Router",
              .explain = "Hidden states to experts in one call: the gate's matrix product, then "
                         "softmax or sigmoid top-k.",
              .variants = kRouterVariants,
              .half_only = true},
     .cost = router_cost,
     .memory = router_memory,
     .check = check_router},
};

} // namespace

Definitions routing_operators() { return kOperators; }

} // namespace moescope
