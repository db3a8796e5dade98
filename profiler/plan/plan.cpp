#include "profiler/plan/plan.h"

#include "profiler/base/checks.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace moescope {

namespace {

constexpr int kWarpBitonicExperts = 32;
constexpr int kSortedExperts = 1024;

Status cannot(OperatorId op, std::string_view variant, std::string why, std::string remedy = {}) {
    return Error{fmt::format("{}/{} cannot run", info(op).name, variant), std::move(why),
                 std::move(remedy)};
}

Status check_routing(const ModelShape &model, OperatorId op, std::string_view variant) {
    if (model.router == RouterKind::SqrtSoftplus)
        return cannot(
            op, variant,
            fmt::format("{} routes by sqrt(softplus(logit)), for which there is no kernel yet",
                        model.name),
            "the grouped operators run");
    const bool softmax = op == OperatorId::SoftmaxTopk ||
                         (op == OperatorId::Router && model.router != RouterKind::Sigmoid);
    if (softmax && model.router != RouterKind::Sigmoid && model.groups > 1)
        return cannot(
            op, variant,
            fmt::format("{} keeps {} of {} groups of experts, and softmax_topk selects among all",
                        model.name, model.groups_kept, model.groups),
            "the grouped operators run");
    if (softmax && model.router != RouterKind::Sigmoid && model.correction_bias)
        return cannot(
            op, variant,
            fmt::format("{} selects by softmax plus a correction bias, and softmax_topk has none",
                        model.name),
            "the grouped operators run");
    if (!softmax && model.experts > kSortedExperts)
        return cannot(op, variant,
                      fmt::format("sigmoid_topk takes up to {} experts and {} has {}",
                                  kSortedExperts, model.name, model.experts));
    return {};
}

Status check_softmax_variant(const ModelShape &model, std::string_view variant) {
    const int most = variant == "warp_bitonic"       ? kWarpBitonicExperts
                     : variant == "block_merge_sort" ? kSortedExperts
                                                     : model.experts;
    if (model.experts <= most)
        return {};
    return cannot(
        OperatorId::SoftmaxTopk, variant,
        fmt::format("it takes up to {} experts and {} has {}", most, model.name, model.experts));
}

bool needs_rank(OperatorId op, std::string_view variant) {
    return op == OperatorId::SelectLora || variant == "fused" || variant == "split" ||
           variant == "extra_k" || variant == "lora";
}

bool needs_half(OperatorId op) {
    return op == OperatorId::Router || op == OperatorId::GateUp || op == OperatorId::Down;
}

Status check_variant_name(OperatorId op, std::string_view variant) {
    std::vector<std::string_view> names;
    for (const VariantInfo &each : info(op).variants) {
        if (each.name == variant)
            return {};
        names.push_back(each.name);
    }
    return Error{fmt::format("variant \"{}\" of {} is unknown", variant, info(op).name),
                 fmt::format("its variants are {}", fmt::join(names, ", ")),
                 {}};
}

// Whether an operator belongs to what the model itself does; a plan without named operators runs
// only those.
bool is_default(const ModelShape &model, OperatorId op) {
    switch (op) {
    case OperatorId::SoftmaxTopk:
        return model.router == RouterKind::Softmax || model.router == RouterKind::TopkSoftmax;
    case OperatorId::SigmoidTopk:
        return model.router == RouterKind::Sigmoid;
    default:
        return true;
    }
}

Result<std::vector<OperatorId>> chosen_operators(const ModelShape &model,
                                                 const std::vector<std::string> &ops) {
    std::vector<OperatorId> chosen;
    for (const OperatorInfo &each : operators())
        if (ops.empty() && is_default(model, each.id))
            chosen.push_back(each.id);
    for (const std::string &name : ops) {
        const Result<OperatorId> op = find_operator(name);
        if (!op)
            return op.error();
        if (std::find(chosen.begin(), chosen.end(), *op) == chosen.end())
            chosen.push_back(*op);
    }
    return chosen;
}

Status check_variants_exist(const std::vector<std::string> &variants) {
    std::vector<std::string_view> names;
    for (const OperatorInfo &op : operators())
        for (const VariantInfo &variant : op.variants)
            if (std::find(names.begin(), names.end(), variant.name) == names.end())
                names.push_back(variant.name);
    for (const std::string &variant : variants)
        if (std::find(names.begin(), names.end(), variant) == names.end())
            return Error{fmt::format("variant \"{}\" is unknown", variant),
                         fmt::format("the variants are {}", fmt::join(names, ", ")),
                         {}};
    return {};
}

// The variants of one operator that can run, among the wanted ones where some are named. `refusal`
// takes the first reason why one could not.
std::vector<PlanItem> items_of(const Workload &workload, OperatorId op,
                               const std::vector<std::string> &wanted, Status &refusal) {
    std::vector<PlanItem> items;
    for (const VariantInfo &variant : info(op).variants) {
        if (!wanted.empty() &&
            std::find(wanted.begin(), wanted.end(), variant.name) == wanted.end())
            continue;
        if (const Status status = can_run(workload, op, variant.name); status)
            items.push_back({op, std::string(variant.name), {}});
        else if (refusal)
            refusal = status;
    }
    return items;
}

Error no_wanted_variant(OperatorId op) {
    std::vector<std::string_view> names;
    for (const VariantInfo &each : info(op).variants)
        names.push_back(each.name);
    return {fmt::format("none of the named variants belongs to {}", info(op).name),
            fmt::format("its variants are {}", fmt::join(names, ", ")),
            {}};
}

template <std::size_t kCount>
Status check_one_of(std::string_view field, std::int32_t value,
                    const std::array<std::int32_t, kCount> &allowed) {
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end())
        return {};
    return Error{fmt::format("{} is {}", field, value),
                 fmt::format("it must be one of {}", fmt::join(allowed, ", ")),
                 {}};
}

Status validate(const TileConfig &config) {
    if (config == TileConfig{})
        return {};
    for (const Status &status :
         {check_one_of("block_m", config.block_m, std::array{16, 32, 64, 128}),
          check_one_of("block_n", config.block_n, std::array{32, 64, 128, 256}),
          check_one_of("block_k", config.block_k, std::array{16, 32, 64, 128}),
          check_one_of("warps", config.warps, std::array{1, 2, 4, 8}),
          check_range("stages", config.stages, 2, 6)})
        if (!status)
            return status;
    return {};
}

Status validate(const Repetition &repetition) {
    for (const Status &status :
         {check_range("warmup", repetition.warmup, 0, 10'000),
          check_range("min_samples", repetition.min_samples, 1, 100'000),
          check_range("max_samples", repetition.max_samples, repetition.min_samples, 100'000),
          check_real("target_relative_ci", repetition.target_relative_ci, 0, 1),
          check_real("max_seconds", repetition.max_seconds, 0.001, 3600)})
        if (!status)
            return status;
    return {};
}

Status validate_item(const Workload &workload, const PlanItem &item) {
    if (item.op < OperatorId::SoftmaxTopk || int(item.op) >= kOperatorCount)
        return Error{fmt::format("operator {} is unknown", int(item.op)),
                     "the plan comes from another version",
                     {}};
    if (const Status status = can_run(workload, item.op, item.variant); !status)
        return status;
    if (!item.config.is_default() && !info(item.op).tunable)
        return Error{fmt::format("{} has the tile {}", info(item.op).name, item.config.text()),
                     "only gate_up and down have tiles",
                     {}};
    return validate(item.config);
}

Status validate_device(std::string_view device) {
    constexpr std::string_view kCuda = "cuda:";
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool numbered = device.starts_with(kCuda) && device.size() > kCuda.size() &&
                          device.size() <= 8 &&
                          std::all_of(device.begin() + kCuda.size(), device.end(), is_digit);
    if (device == "auto" || device == "cpu" || numbered)
        return {};
    return Error{fmt::format("device is \"{}\"", device), "it must be auto, cuda:N or cpu", {}};
}

} // namespace

std::string TileConfig::text() const {
    if (is_default())
        return "default";
    return fmt::format("{}x{}x{} w{} s{}", block_m, block_n, block_k, warps, stages);
}

Status can_run(const Workload &workload, OperatorId op, std::string_view variant) {
    if (const Status status = check_variant_name(op, variant); !status)
        return status;
    if (op == OperatorId::SoftmaxTopk || op == OperatorId::SigmoidTopk || op == OperatorId::Router)
        if (const Status status = check_routing(workload.model, op, variant); !status)
            return status;
    if (op == OperatorId::SoftmaxTopk)
        if (const Status status = check_softmax_variant(workload.model, variant); !status)
            return status;
    if (needs_rank(op, variant) && workload.lora_rank == 0)
        return cannot(op, variant, "it needs LoRA and the rank is 0", "choose a rank of 1..256");
    if (needs_half(op) && workload.model.dtype == DType::F32)
        return cannot(op, variant, "the matrix units take f16 or bf16 and the dtype is f32",
                      "choose f16 or bf16");
    return {};
}

Result<std::vector<PlanItem>> plan_items(const Workload &workload,
                                         const std::vector<std::string> &ops,
                                         const std::vector<std::string> &variants) {
    if (const Status status = check_variants_exist(variants); !status)
        return status.error();
    const Result<std::vector<OperatorId>> chosen = chosen_operators(workload.model, ops);
    if (!chosen)
        return chosen.error();
    std::vector<PlanItem> items;
    Status first_refusal;
    for (const OperatorId op : *chosen) {
        Status refusal;
        const std::vector<PlanItem> some = items_of(workload, op, variants, refusal);
        items.insert(items.end(), some.begin(), some.end());
        if (first_refusal)
            first_refusal = refusal;
        if (some.empty() && !ops.empty())
            return refusal ? no_wanted_variant(op) : refusal.error();
    }
    for (const std::string &variant : variants)
        if (std::none_of(items.begin(), items.end(),
                         [&](const PlanItem &item) { return item.variant == variant; })) {
            if (!first_refusal)
                return first_refusal.error();
            return Error{fmt::format("variant \"{}\" belongs to none of the operators", variant),
                         "the chosen operators have other variants",
                         {}};
        }
    return items;
}

Status validate(const Plan &plan) {
    if (const Status status = validate(plan.workload); !status)
        return status;
    if (const Status status = validate_device(plan.device); !status)
        return status;
    if (const Status status = validate(plan.repetition); !status)
        return status;
    if (plan.items.empty() && plan.tune.empty())
        return Error{"the plan is empty", "it names no operator", "choose at least one operator"};
    for (const std::vector<PlanItem> &items : {plan.items, plan.tune})
        for (const PlanItem &item : items)
            if (const Status status = validate_item(plan.workload, item); !status)
                return status;
    for (const PlanItem &item : plan.tune)
        if (!info(item.op).tunable)
            return Error{fmt::format("{} cannot be tuned", info(item.op).name),
                         "only gate_up and down have tiles",
                         {}};
    return check_range("tune_max_candidates", plan.tune_max_candidates, 0, 100'000);
}

} // namespace moescope
