#include "profiler/plan/plan.h"

#include "profiler/base/checks.h"
#include "profiler/base/closest.h"
#include "profiler/base/try.h"
#include "profiler/workload/operators/definition.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>

namespace moescope {

namespace {

constexpr std::string_view kAll = "all";

// An operator of a plan: asked for by its own name, or come with its family.
struct Chosen {
    OperatorId op;
    bool named;
};

Status cannot(OperatorId op, std::string_view variant, std::string why, std::string remedy = {}) {
    return Error{fmt::format("{}/{} cannot run", info(op).name, variant), std::move(why),
                 std::move(remedy)};
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

bool used_by(const ModelShape &model, OperatorId op) {
    const auto used = definition(op).used_by;
    return !used || used(model);
}

template <typename Takes> std::vector<Chosen> come_along(const ModelShape &model, const Takes &takes) {
    std::vector<Chosen> found;
    for (const OperatorInfo &each : operators())
        if (takes(each) && used_by(model, each.id))
            found.push_back({each.id, false});
    return found;
}

// The operators that one word means: an operator, a family or "all".
Result<std::vector<Chosen>> operators_named(const ModelShape &model, const std::string &name) {
    const FamilyInfo *family = find_family(name);
    if (family || name == kAll)
        return come_along(model, [&](const OperatorInfo &each) {
            return !family || each.family == family->id;
        });
    const Result<OperatorId> op = find_operator(name);
    if (!op)
        return op.error();
    return std::vector<Chosen>{{*op, true}};
}

Result<std::vector<Chosen>> chosen_operators(const ModelShape &model,
                                             const std::vector<std::string> &ops) {
    if (ops.empty())
        return come_along(model,
                          [](const OperatorInfo &each) { return each.in_forward_pass(); });
    std::vector<Chosen> chosen;
    for (const std::string &name : ops) {
        const auto some = operators_named(model, name);
        if (!some)
            return some.error();
        for (const Chosen &each : *some) {
            const auto found = std::find_if(chosen.begin(), chosen.end(),
                                            [&](const Chosen &c) { return c.op == each.op; });
            if (found == chosen.end())
                chosen.push_back(each);
            else
                found->named |= each.named;
        }
    }
    return chosen;
}

bool is_variant_of_any(std::span<const OperatorInfo> ops, std::string_view variant) {
    return std::any_of(ops.begin(), ops.end(), [&](const OperatorInfo &each) {
        return find_variant(each.id, variant) != nullptr;
    });
}

// Names those of the operators at hand alone: the program has more than anyone wants to read.
Error no_such_variant(const std::vector<Chosen> &ops, const std::string &variant) {
    std::vector<std::string> names;
    for (const Chosen &each : ops)
        for (const VariantInfo &one : info(each.op).variants)
            if (std::find(names.begin(), names.end(), one.name) == names.end())
                names.emplace_back(one.name);
    const auto closest = closest_names(names, variant, 2);
    return {is_variant_of_any(operators(), variant)
                ? fmt::format("variant \"{}\" belongs to none of the chosen operators", variant)
                : fmt::format("variant \"{}\" is unknown", variant),
            !closest.empty() ? fmt::format("the closest names are {}", fmt::join(closest, ", "))
                             : fmt::format("{} {}",
                                           ops.size() == 1
                                               ? fmt::format("{} has", info(ops[0].op).name)
                                               : "they have",
                                           fmt::join(names, ", ")),
            {}};
}

Status check_variants_exist(const std::vector<Chosen> &ops,
                            const std::vector<std::string> &variants) {
    for (const std::string &variant : variants)
        if (std::none_of(ops.begin(), ops.end(), [&](const Chosen &each) {
                return find_variant(each.op, variant) != nullptr;
            }))
            return no_such_variant(ops, variant);
    return {};
}

// The variants of one operator that can run, among the wanted ones where some are named. `refusal`
// takes the first reason why one could not.
std::vector<PlanItem> items_of(const Workload &workload, OperatorId op,
                               const std::vector<std::string> &wanted, Status &refusal) {
    std::vector<PlanItem> items;
    for (const VariantInfo &variant : info(op).variants) {
        const bool named = std::find(wanted.begin(), wanted.end(), variant.name) != wanted.end();
        if (wanted.empty() ? variant.when_named : !named)
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

Status validate_wgmma(const TileConfig &config) {
    for (const Status &status :
         {check_one_of("block_m", config.block_m,
                       std::array{32, 64, 96, 128, 160, 192, 224, 256, 288}),
          check_one_of("block_n", config.block_n, std::array{128, 256}),
          check_one_of("block_k", config.block_k, std::array{64}),
          check_one_of("warps", config.warps, std::array{12}),
          check_range("stages", config.stages, 2, 12)})
        if (!status)
            return status;
    return {};
}

Status validate(const TileConfig &config) {
    if (config == TileConfig{})
        return {};
    if (config.is_wgmma())
        return validate_wgmma(config);
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

Error no_tiles(std::string what) { return {std::move(what), "only these have tiles: " + tunable_operators(), {}}; }

Status validate_item(const Plan &plan, const PlanItem &item) {
    const Workload &workload = plan.workload;
    const std::string_view device = plan.device;
    if (item.op < OperatorId::SoftmaxTopk || int(item.op) >= kOperatorCount)
        return Error{fmt::format("operator {} is unknown", int(item.op)),
                     "the plan comes from another version",
                     {}};
    if (const Status status = plan.ranks ? can_run(workload, item.op, plain_variant(item.variant), plan.ranks->size)
                                         : can_run(workload, item.op, plain_variant(item.variant));
        !status)
        return status;
    if (!item.config.is_default() && !info(item.op).tunable)
        return no_tiles(fmt::format("the tile {} is set for {}", item.config.text(), info(item.op).name));
    if (!item.config.is_default() && device == "cpu")
        return Error{fmt::format("the tile {} is set for {} on cpu", item.config.text(), info(item.op).name),
                     "the reference implementations there have no tiles",
                     "leave the tile out, or choose a CUDA device"};
    return validate(item.config);
}

Status validate_edits(const Plan &plan) {
    const auto edited = [](const PlanItem &item) { return is_edited(item.variant); };
    for (const PlanItem &item : plan.tune)
        if (edited(item))
            return Error{fmt::format("{}/{} cannot be tuned", info(item.op).name, item.variant),
                         "the tuner's database is of the kernels as they are", {}};
    const auto item = std::ranges::find_if(plan.items, edited);
    if (item == plan.items.end())
        return plan.edits.empty() ? Status() : Error{"edited sources are given", "no item of the plan is compiled from them", {}};
    const std::string what = fmt::format("{}/{} cannot be timed", info(item->op).name, item->variant);
    if (plan.edits.empty())
        return Error{what, "the plan has no edited source for it", {}};
    if (!has_tile_kernel(item->op))
        return Error{what, "its kernels are compiled with the program, not at run time", {}};
    if (plan.device == "cpu")
        return Error{what, "cpu runs reference implementations that are compiled with the program",
                     "choose a CUDA device"};
    if (!plan.sampled.empty() || plan.pc_sampling)
        return Error{what, "sampling is of the kernels as they are", "leave --sample and --pc-sampling out"};
    return {};
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

// What is read in passes of its own would leave the other ranks waiting.
Status validate_ranks(const Plan &plan) {
    if (!plan.ranks)
        return {};
    MOESCOPE_TRY(check_range("ranks", plan.ranks->size, 1, 65536));
    MOESCOPE_TRY(check_range("rank", plan.ranks->rank, 0, plan.ranks->size - 1));
    MOESCOPE_TRY(check_range("port", plan.ranks->port, 0, 65535));
    if (!plan.counters.empty() || !plan.sampled.empty() || plan.pc_sampling || !plan.tune.empty())
        return Error{"the plan of several ranks reads counters, samples or tunes",
                     "each needs passes of its own, which one rank cannot make alone", "run it on one device"};
    return {};
}

} // namespace

std::string TileConfig::text() const {
    if (is_default())
        return "default";
    return fmt::format("{}{}x{}x{} w{} s{}", is_wgmma() ? "wgmma " : "", block_m, block_n, block_k,
                       warps, stages);
}

Status can_run(const Workload &workload, OperatorId op, std::string_view variant) {
    if (const Status status = check_variant_name(op, variant); !status)
        return status;
    if (const auto check = definition(op).check)
        if (const Status status = check(workload, info(op), variant); !status)
            return cannot(op, variant, status.error().why, status.error().remedy);
    if (find_variant(op, variant)->lora && workload.lora_rank == 0)
        return cannot(op, variant, "it needs LoRA and the rank is 0", "choose a rank of 1..256");
    if (info(op).half_only && workload.model.dtype == DType::F32)
        return cannot(op, variant, "the matrix units take f16 or bf16 and the dtype is f32",
                      "choose f16 or bf16");
    return {};
}

Status can_run(const Workload &workload, OperatorId op, std::string_view variant, std::int32_t ranks) {
    MOESCOPE_TRY(check_variant_name(op, variant));
    if (info(op).family != OperatorFamily::Parallel)
        return cannot(op, variant, "one device runs it, and the plan is of several ranks", "use moescope run");
    if (workload.model.dtype == DType::F32)
        return cannot(op, variant, "the matrix units take f16 or bf16 and the dtype is f32", "choose f16 or bf16");
    if (find_variant(op, variant)->lora && workload.lora_rank == 0)
        return cannot(op, variant, "it needs LoRA and the rank is 0", "choose a rank of 1..256");
    if (workload.model.experts % ranks == 0)
        return {};
    return cannot(op, variant,
                  fmt::format("{} experts cannot be shared evenly by {} ranks", workload.model.experts, ranks),
                  "start a number of ranks that divides the experts");
}

// A tile that is found for each: of "tuned", for all that it may stand for.
std::vector<PlanItem> tunable_items(const Workload &workload, const std::vector<PlanItem> &items) {
    std::vector<PlanItem> found;
    const auto add = [&](PlanItem item) {
        if (std::find(found.begin(), found.end(), item) == found.end())
            found.push_back(std::move(item));
    };
    for (const PlanItem &item : items)
        if (!info(item.op).tunable)
            continue;
        else if (item.variant != kTunedVariant)
            add(item);
        else
            for (const VariantInfo &each : info(item.op).variants)
                if (each.lora && !each.when_named && can_run(workload, item.op, each.name))
                    add({item.op, std::string(each.name), {}});
    return found;
}

Result<std::vector<PlanItem>> plan_items(const Workload &workload,
                                         const std::vector<std::string> &ops,
                                         const std::vector<std::string> &variants) {
    const Result<std::vector<Chosen>> chosen = chosen_operators(workload.model, ops);
    if (!chosen)
        return chosen.error();
    if (const Status status = check_variants_exist(*chosen, variants); !status)
        return status.error();
    std::vector<PlanItem> items;
    Status first_refusal;
    for (const Chosen &each : *chosen) {
        Status refusal;
        const std::vector<PlanItem> some = items_of(workload, each.op, variants, refusal);
        items.insert(items.end(), some.begin(), some.end());
        if (first_refusal)
            first_refusal = refusal;
        if (some.empty() && each.named)
            return refusal ? no_wanted_variant(each.op) : refusal.error();
    }
    if (items.empty() && !ops.empty()) {
        if (!first_refusal)
            return first_refusal.error();
        return Error{fmt::format("{} names no operator of {}", fmt::join(ops, ", "),
                                 workload.model.name),
                     "the model has none of them",
                     {}};
    }
    for (const std::string &variant : variants)
        if (!first_refusal &&
            std::none_of(items.begin(), items.end(),
                         [&](const PlanItem &item) { return item.variant == variant; }))
            return first_refusal.error();
    return items;
}

bool has_tile_kernel(OperatorId op) {
    switch (op) {
    case OperatorId::GateUp:
    case OperatorId::Down:
    case OperatorId::GateUpDx:
    case OperatorId::DownDx:
    case OperatorId::GateUpLoraGrad:
    case OperatorId::DownLoraGrad:
        return true;
    default:
        return false;
    }
}

Plan retiming_plan(Plan plan, const PlanItem &item, std::vector<SourceFile> edits) {
    plan.items = {item, {item.op, edited_variant(item.variant), item.config}};
    plan.edits = std::move(edits);
    plan.tune.clear();
    plan.sampled.clear();
    plan.pc_sampling = false;
    return plan;
}

std::string tunable_operators() {
    std::vector<std::string_view> names;
    for (const OperatorInfo &each : operators())
        if (each.tunable)
            names.push_back(each.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

Status validate(const Plan &plan) {
    if (const Status status = validate(plan.workload); !status)
        return status;
    if (const Status status = validate_device(plan.device); !status)
        return status;
    if (const Status status = validate(plan.repetition); !status)
        return status;
    MOESCOPE_TRY(validate_ranks(plan));
    if (plan.items.empty() && plan.tune.empty())
        return Error{"the plan is empty", "it names no operator", "choose at least one operator"};
    for (const std::vector<PlanItem> &items : {plan.items, plan.tune})
        for (const PlanItem &item : items)
            if (const Status status = validate_item(plan, item); !status)
                return status;
    for (const PlanItem &item : plan.tune)
        if (!info(item.op).tunable)
            return no_tiles(fmt::format("{} cannot be tuned", info(item.op).name));
        else if (item.variant == kTunedVariant)
            return Error{fmt::format("{}/tuned cannot be tuned", info(item.op).name),
                         "it stands for the fastest of the variants that were", "tune the other variants"};
    if (const Status status = validate_edits(plan); !status)
        return status;
    if (Status inside = check_range("tune_max_candidates", plan.tune_max_candidates, 0, 100'000); !inside)
        return inside;
    // As fast as the hardware takes samples, and as slow as still shows a kernel.
    return check_range("sampling_interval_ns", plan.sampling_interval_ns, std::int64_t{1'000}, std::int64_t{1'000'000'000});
}

} // namespace moescope
