#include "profiler/workload/cost.h"

#include "profiler/workload/operators/definition.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>

namespace moescope {

namespace {

Sizes sizes_of(const Workload &workload, OperatorId op) {
    const WeightSize weight = weight_size(workload.model, op);
    const double experts = workload.model.experts;
    return {.tokens = double(workload.tokens),
            .experts = experts,
            .active = experts,
            .top_k = double(workload.model.top_k),
            .hidden = double(workload.model.hidden),
            .slots = double(workload.slots()),
            .rank = double(workload.lora_rank),
            .element = double(bytes_of(workload.model.dtype)),
            .k = double(weight.k),
            .n = double(weight.n)};
}

} // namespace

std::string_view ceiling_origin(bool measured) { return measured ? "measured" : "derived"; }

std::int64_t bytes_of(DType dtype) { return dtype == DType::F32 ? 4 : 2; }

WeightSize weight_size(const ModelShape &model, OperatorId op) {
    if (info(op).projection == Projection::Down)
        return {model.intermediate, model.expert_hidden()};
    return {model.expert_hidden(), model.gate_up_columns()};
}

Cost minimum_cost(const Workload &workload, OperatorId op, std::string_view variant,
                  std::span<const std::int32_t> counts) {
    const VariantInfo *found = find_variant(op, plain_variant(variant));
    if (!found)
        return {};
    Sizes sizes = sizes_of(workload, op);
    sizes.slots = double(std::accumulate(counts.begin(), counts.end(), std::int64_t(0)));
    sizes.active =
        double(std::count_if(counts.begin(), counts.end(), [](auto count) { return count > 0; }));
    return definition(op).cost({workload, info(op), *found, sizes});
}

Ceilings with_measured(Ceilings now, const Ceilings &known) {
    if (!now.bytes_measured && known.bytes_measured) {
        now.bytes_per_second = known.bytes_per_second;
        now.bytes_measured = true;
        now.bytes_measured_ns = known.bytes_measured_ns;
    }
    if (!now.flops_measured && known.flops_measured) {
        now.flops_per_second = known.flops_per_second;
        now.flops_measured = true;
        now.flops_measured_ns = known.flops_measured_ns;
    }
    if (now.l2_bytes_per_second <= 0) {
        now.l2_bytes_per_second = known.l2_bytes_per_second;
        now.l2_measured_ns = known.l2_measured_ns;
    }
    if (now.launch_measured_ns <= 0 && known.launch_measured_ns > 0) {
        now.launch_ns = known.launch_ns;
        now.launch_measured_ns = known.launch_measured_ns;
    }
    return now;
}

Floor floor_of(const Cost &cost, const Ceilings &ceilings) {
    const double bytes_ns =
        ceilings.bytes_per_second > 0 ? cost.bytes / ceilings.bytes_per_second * 1e9 : 0;
    const double flops_ns =
        ceilings.flops_per_second > 0 ? cost.flops / ceilings.flops_per_second * 1e9 : 0;
    const double busy_ns = std::max(bytes_ns, flops_ns);
    if (busy_ns <= 0)
        return {};
    if (ceilings.launch_ns > busy_ns)
        return {ceilings.launch_ns, Bound::Launch};
    return {busy_ns, bytes_ns >= flops_ns ? Bound::Memory : Bound::MatrixUnits};
}

double floor_ns(const Cost &cost, const Ceilings &ceilings) { return floor_of(cost, ceilings).ns; }

double device_bytes(const Workload &workload, OperatorId op, std::string_view variant) {
    const Sizes s = sizes_of(workload, op);
    // Made for every run: logits and the tables behind them, weights and ids, and the metadata.
    const double tables = 4 * 65536 + 4 * s.experts;
    const double common = s.logits() + tables + s.routing_outputs() + s.metadata();
    const VariantInfo *found = find_variant(op, plain_variant(variant));
    return found ? common + definition(op).memory({workload, info(op), *found, s}) : common;
}

bool published_rule_chooses_split(std::int64_t experts, std::int64_t k, std::int64_t n) {
    return experts <= 32 && k * n >= 20'000'000;
}

} // namespace moescope
