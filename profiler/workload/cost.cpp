#include "profiler/workload/cost.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>

namespace moescope {

namespace {

// The quantities of the formulas in cost.h, as doubles: a product of five sizes may pass 2^63.
struct Sizes {
    double tokens, experts, top_k, hidden, slots, rank, element, k, n;

    Sizes(const Workload &workload, OperatorId op)
        : tokens(double(workload.tokens)), experts(workload.model.experts),
          top_k(workload.model.top_k), hidden(workload.model.hidden),
          slots(double(workload.slots())), rank(workload.lora_rank),
          element(double(bytes_of(workload.model.dtype))),
          k(double(weight_size(workload.model, op).k)),
          n(double(weight_size(workload.model, op).n)) {}

    double routing_outputs() const { return 8 * tokens * top_k; }
    double logits() const { return 4 * tokens * experts; }
    double active_list() const { return 4 * slots + 8 * experts + 4; }
    double lora(double experts_with_it) const { return element * experts_with_it * rank * (k + n); }
};

bool has_lora(std::string_view variant) {
    return variant == "fused" || variant == "split" || variant == "extra_k" || variant == "lora";
}
bool is_nested(std::string_view variant) { return variant.ends_with("_nested"); }
bool is_full(std::string_view variant) { return variant.starts_with("full"); }

Cost routing_cost(const Sizes &s, const Workload &workload, OperatorId op) {
    const bool bias = op == OperatorId::SigmoidTopk && workload.model.correction_bias;
    return {s.logits() + s.routing_outputs() + (bias ? 4 * s.experts : 0), 0};
}

Cost router_cost(const Sizes &s, std::string_view variant) {
    Cost cost{s.element * (s.tokens + s.experts) * s.hidden + s.logits() + s.routing_outputs(),
              2 * s.tokens * s.hidden * s.experts};
    if (has_lora(variant)) {
        cost.bytes += s.element * s.rank * (s.hidden + s.experts);
        cost.flops += 2 * s.tokens * s.rank * (s.hidden + s.experts);
    }
    return cost;
}

Cost grouped_cost(const Sizes &s, OperatorId op, std::string_view variant, double active) {
    const double x_rows = op == OperatorId::GateUp ? s.tokens : s.slots;
    Cost cost{s.element * (active * s.k * s.n + x_rows * s.k + s.slots * s.n),
              2 * s.slots * s.k * s.n};
    if (has_lora(variant)) {
        cost.bytes += s.lora(active);
        cost.flops += 2 * s.slots * s.rank * (s.k + s.n);
    }
    return cost;
}

// Bytes that hold the quantised form of one weight value, its share of the scales included.
double quantised_bytes(const Workload &workload, bool nested) {
    const double block = workload.quant_block;
    return nested ? 0.5 + 1 / block + 4 / (block * workload.nested_block) : 0.5 + 4 / block;
}

double codebook_bytes(bool nested) { return nested ? 64 + 1024 : 64; }

Cost dequant_cost(const Sizes &s, const Workload &workload, std::string_view variant,
                  double active) {
    const bool nested = is_nested(variant);
    const double experts = is_full(variant) ? s.experts : active;
    const double values = experts * s.k * s.n;
    return {values * (quantised_bytes(workload, nested) + s.element) + codebook_bytes(nested) +
                (is_full(variant) ? 0 : s.active_list()),
            0};
}

} // namespace

std::string_view ceiling_origin(bool measured) { return measured ? "measured" : "derived"; }

std::int64_t bytes_of(DType dtype) { return dtype == DType::F32 ? 4 : 2; }

WeightSize weight_size(const ModelShape &model, OperatorId op) {
    if (op == OperatorId::Down)
        return {model.intermediate, model.expert_hidden()};
    return {model.expert_hidden(), model.gate_up_columns()};
}

Cost minimum_cost(const Workload &workload, OperatorId op, std::string_view variant,
                  std::span<const std::int32_t> counts) {
    Sizes s(workload, op);
    s.slots = double(std::accumulate(counts.begin(), counts.end(), std::int64_t(0)));
    const auto active =
        double(std::count_if(counts.begin(), counts.end(), [](auto count) { return count > 0; }));
    switch (op) {
    case OperatorId::SoftmaxTopk:
    case OperatorId::SigmoidTopk:
        return routing_cost(s, workload, op);
    case OperatorId::Router:
        return router_cost(s, variant);
    case OperatorId::RouteMetadata:
        return {12 * s.slots + 8 * s.experts + 4, 0};
    case OperatorId::GateUp:
    case OperatorId::Down:
        return grouped_cost(s, op, variant, active);
    case OperatorId::SelectiveDequant:
        return dequant_cost(s, workload, variant, active);
    case OperatorId::SelectLora:
        return {2 * s.lora(active) + s.active_list(), 0};
    }
    return {};
}

double floor_ns(const Cost &cost, const Ceilings &ceilings) {
    const double bytes_ns =
        ceilings.bytes_per_second > 0 ? cost.bytes / ceilings.bytes_per_second * 1e9 : 0;
    const double flops_ns =
        ceilings.flops_per_second > 0 ? cost.flops / ceilings.flops_per_second * 1e9 : 0;
    return std::max(bytes_ns, flops_ns);
}

double device_bytes(const Workload &workload, OperatorId op, std::string_view variant) {
    const Sizes s(workload, op);
    // Made for every run: logits and the tables behind them, weights and ids, and the metadata with
    // the schedule of the smallest tile (16 rows).
    const double tables = 4 * 65536 + 4 * s.experts;
    const double schedule = 8 * (s.slots / 16 + s.experts);
    const double metadata = 8 * s.slots + 12 * s.experts + 4 + schedule;
    const double common = s.logits() + tables + s.routing_outputs() + metadata;
    const double sort_workspace = 4 * s.experts * (s.slots / 256 + 1); // block histograms
    // The identity's metadata, with the schedule of the smallest tile.
    const double router_workspace = 5 * s.tokens + 1024;
    // An operator makes the inputs of all its variants, whichever run: LoRA matrices, both scales.
    switch (op) {
    case OperatorId::SoftmaxTopk:
    case OperatorId::SigmoidTopk:
        return common + s.routing_outputs() + 4 * s.experts;
    case OperatorId::Router:
        return common + router_cost(s, "lora").bytes + 4 * s.experts + router_workspace;
    case OperatorId::RouteMetadata:
        return common + metadata + sort_workspace;
    case OperatorId::GateUp:
    case OperatorId::Down:
        return common + sort_workspace + grouped_cost(s, op, "fused", s.experts).bytes +
               (variant == "split" || variant == "extra_k" ? s.element * s.slots * (s.rank + 7) : 0); // rows of whole 16 bytes
    case OperatorId::SelectiveDequant:
        return common + sort_workspace + 2 * codebook_bytes(true) + s.active_list() +
               s.experts * s.k * s.n *
                   (quantised_bytes(workload, false) + quantised_bytes(workload, true) - 0.5 + s.element);
    case OperatorId::SelectLora:
        return common + sort_workspace + s.active_list() + 2 * s.lora(s.experts);
    }
    return common;
}

bool published_rule_chooses_split(std::int64_t experts, std::int64_t k, std::int64_t n) {
    return experts <= 32 && k * n >= 20'000'000;
}

} // namespace moescope
