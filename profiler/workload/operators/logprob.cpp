// Log-probabilities and entropy of a vocabulary's logits: T rows of V, one selected token a row.
//
//   entropy                         bytes = bTV + 8T      logits in; entropy and log-sum-exp out
//   entropy_backward                bytes = 2bTV + 12T    logits, gradient, entropy and log-sum-exp in;
//                                                         gradient of the logits out
//   selective_log_softmax           bytes = bTV + 16T     logits and indices (8 bytes) in;
//                                                         log-probabilities and log-sum-exp out
//   selective_log_softmax_backward  bytes = 2bTV + 16T    logits, indices, gradient and log-sum-exp in;
//                                                         gradient of the logits out
//   logprob_stats                   bytes = bTV + 20T     logits and indices in; all three out
//
// Exponentials bound none of them: one an element takes two thirds of the memory's time on an H200.
#include "profiler/workload/operators/definition.h"

namespace moescope {

namespace {

constexpr VariantInfo kVariants[] = {
    {"one_read", "One read",
     "Reads every logit once: the sums are rescaled whenever a larger logit comes along."},
    {"chunked", "Chunked",
     "log_softmax of 128 rows at a time goes through memory, as the PyTorch trainers do it: the "
     "baseline."},
};
constexpr VariantInfo kStatsVariants[] = {
    {"one_read", "One read", "Entropy, log-probabilities and log-sum-exp of one read of the logits."},
    {"separate", "Separate",
     "One operator after the other: the logits are read once for the entropy and once for the "
     "log-probabilities."},
};

constexpr double kChunkRows = 128;
constexpr double kPartsBytes = 1 << 18; // sums of parts of rows

double logits_bytes(const CostCase &c) {
    return c.sizes.element * c.sizes.tokens * c.workload.model.vocab;
}

Cost entropy_cost(const CostCase &c) { return {logits_bytes(c) + 8 * c.sizes.tokens, 0}; }
Cost entropy_backward_cost(const CostCase &c) {
    return {2 * logits_bytes(c) + 12 * c.sizes.tokens, 0};
}
Cost selective_cost(const CostCase &c) { return {logits_bytes(c) + 16 * c.sizes.tokens, 0}; }
Cost selective_backward_cost(const CostCase &c) {
    return {2 * logits_bytes(c) + 16 * c.sizes.tokens, 0};
}
Cost stats_cost(const CostCase &c) { return {logits_bytes(c) + 20 * c.sizes.tokens, 0}; }

// Indices, and five numbers a row: entropy, log-probability, log-sum-exp and two gradients.
double forward_memory(const CostCase &c) {
    return logits_bytes(c) + 28 * c.sizes.tokens + kPartsBytes +
           4 * kChunkRows * c.workload.model.vocab;
}
double backward_memory(const CostCase &c) { return forward_memory(c) + logits_bytes(c); }

Status check_vocabulary(const Workload &workload, const OperatorInfo &, std::string_view) {
    if (workload.model.vocab > 0)
        return {};
    return refusal("the size of the vocabulary of " + workload.model.name + " is not known",
                   "give one: --vocab, or Vocabulary in the window");
}

constexpr OperatorDefinition kOperators[] = {
    {.info = {.id = OperatorId::Entropy,
              .family = OperatorFamily::Logprob,
              .name = "entropy",
              .title = "Entropy",
              .explain = "Entropy of the softmax of each row of logits over the vocabulary.",
              .variants = kVariants},
     .cost = entropy_cost,
     .memory = forward_memory,
     .check = check_vocabulary},
    {.info = {.id = OperatorId::EntropyBackward,
              .family = OperatorFamily::Logprob,
              .name = "entropy_backward",
              .title = "Entropy, backward",
              .explain = "Gradient of the entropies with respect to every logit.",
              .variants = kVariants},
     .cost = entropy_backward_cost,
     .memory = backward_memory,
     .check = check_vocabulary},
    {.info = {.id = OperatorId::SelectiveLogSoftmax,
              .family = OperatorFamily::Logprob,
              .name = "selective_log_softmax",
              .title = "Selective log-softmax",
              .explain = "Log-probability of the chosen token of each row, without a log-softmax "
                         "of the whole vocabulary in memory.",
              .variants = kVariants},
     .cost = selective_cost,
     .memory = forward_memory,
     .check = check_vocabulary},
    {.info = {.id = OperatorId::SelectiveLogSoftmaxBackward,
              .family = OperatorFamily::Logprob,
              .name = "selective_log_softmax_backward",
              .title = "Selective log-softmax, backward",
              .explain = "Gradient of the chosen tokens' log-probabilities with respect to every "
                         "logit.",
              .variants = kVariants},
     .cost = selective_backward_cost,
     .memory = backward_memory,
     .check = check_vocabulary},
    {.info = {.id = OperatorId::LogprobStats,
              .family = OperatorFamily::Logprob,
              .name = "logprob_stats",
              .title = "Log-probability statistics",
              .explain = "Entropy, the chosen token's log-probability and the log-sum-exp of each "
                         "row, together.",
              .variants = kStatsVariants},
     .cost = stats_cost,
     .memory = forward_memory,
     .check = check_vocabulary},
};

} // namespace

Definitions logprob_operators() { return kOperators; }

} // namespace moescope
