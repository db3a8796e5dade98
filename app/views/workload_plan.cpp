// What the workload pane makes of its fields: plans, problems, memory.
#include "app/views/workload.h"

#include "profiler/base/assets.h"
#include "profiler/metrics/metric_sets.h"
#include "profiler/session/collected.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <limits>

namespace moescope {

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char letter) { return char(std::tolower(letter)); });
    return text;
}

// Letters only, so that "top-k", "top_k" and "Top k" are the same word.
std::string letters(std::string_view text) {
    std::string result;
    for (const char letter : text)
        if (std::isalpha(static_cast<unsigned char>(letter)))
            result += char(std::tolower(static_cast<unsigned char>(letter)));
    return result;
}

} // namespace

std::string field_of(const Error &error) {
    // Longer names first where one begins another.
    constexpr const char *kFields[] = {"shared_intermediate",
                                       "shared_experts",
                                       "experts",
                                       "hidden",
                                       "intermediate",
                                       "top_k",
                                       "latent",
                                       "groups_kept",
                                       "groups",
                                       "routed_scaling",
                                       "renorm_epsilon",
                                       "tokens",
                                       "lora_rank",
                                       "lora_scaling",
                                       "rank",
                                       "skew",
                                       "seed",
                                       "quant_block",
                                       "nested_block",
                                       "dense_first",
                                       "vocab"};
    const std::string subject = letters(error.what);
    std::string found;
    std::size_t earliest = std::string::npos;
    for (const char *field : kFields) {
        const std::size_t at = subject.find(letters(field));
        if (at < earliest) {
            earliest = at;
            found = field;
        }
    }
    return found == "rank" ? "lora_rank" : found;
}

std::optional<FieldProblem> find_problem(const Workload &workload) {
    const Status status = validate(workload);
    if (status.ok())
        return std::nullopt;
    return FieldProblem{field_of(status.error()), status.error()};
}

void take_over(WorkloadState &state, const Plan &plan) {
    if (plan.items.empty()) // an imported trace: what it ran is not known
        return;
    state.workload = plan.workload;
    state.cache = plan.cache;
    state.sample_counters = !plan.sampled.empty();
    state.sample_instructions = plan.pc_sampling;
    state.counters.chosen = plan.counters;
    if (plan.ranks) // what they run together no worker runs alone
        return;
    // What the model does not have was not left out by choice: for other models it is as at first.
    const auto there = operators_of(plan.workload);
    const auto at_first = wanted_at_first();
    for (std::size_t op = 0; op < there.size(); ++op)
        state.wanted[op] = !there[op] && at_first[op];
    for (const PlanItem &item : plan.items)
        state.wanted[std::size_t(item.op)] = true;
}

std::array<bool, kOperatorCount> wanted_at_first() {
    std::array<bool, kOperatorCount> wanted{};
    for (const OperatorInfo &op : operators())
        wanted[std::size_t(op.id)] = op.in_forward_pass();
    return wanted;
}

std::array<bool, kOperatorCount> operators_of(const Workload &workload) {
    std::array<bool, kOperatorCount> there{};
    if (const auto items = plan_items(workload, {"all"}, {}); items.ok())
        for (const PlanItem &item : items.value())
            there[std::size_t(item.op)] = true;
    return there;
}

std::vector<OperatorId> operators_in(OperatorFamily family) {
    std::vector<OperatorId> members;
    for (const OperatorInfo &op : operators())
        if (op.family == family)
            members.push_back(op.id);
    return members;
}

FamilyTick family_tick(const std::array<bool, kOperatorCount> &wanted,
                       const std::array<bool, kOperatorCount> &there,
                       const std::vector<OperatorId> &members) {
    int applying = 0, ticked = 0;
    for (const OperatorId op : members) {
        applying += there[std::size_t(op)];
        ticked += there[std::size_t(op)] && wanted[std::size_t(op)];
    }
    return applying == 0        ? FamilyTick::Absent
           : ticked == 0        ? FamilyTick::None
           : ticked == applying ? FamilyTick::All
                                : FamilyTick::Some;
}

Result<std::vector<PlanItem>> wanted_items(const WorkloadState &state) {
    if (const auto problem = find_problem(state.workload))
        return problem->error;
    const auto all = plan_items(state.workload, {"all"}, {});
    if (!all.ok())
        return all.error();
    std::vector<PlanItem> items;
    for (const PlanItem &item : all.value())
        if (state.wanted[std::size_t(item.op)])
            items.push_back(item);
    if (items.empty())
        return Error{"no operator is chosen", "a run needs at least one", "tick an operator"};
    return items;
}

namespace {

Status add_sampling(const WorkloadState &state, Plan &plan) {
    plan.pc_sampling = state.sample_instructions;
    if (!state.sample_counters)
        return {};
    const Result<MetricSets> sets = load_metric_sets(find_asset("metrics.json"));
    if (!sets)
        return sets.error();
    Result<std::vector<std::string>> metrics = metrics_named(*sets, {kSamplingSet});
    if (!metrics)
        return metrics.error();
    plan.sampled = std::move(*metrics);
    return {};
}

} // namespace

Result<Plan> make_plan(const WorkloadState &state, bool live) {
    auto items = wanted_items(state);
    if (!items.ok())
        return items.error();
    Plan plan;
    plan.workload = state.workload;
    plan.device = plan_device(state);
    plan.items = std::move(items.value());
    plan.cache = state.cache;
    if (!live)
        plan.counters = state.counters.chosen;
    if (live) {
        plan.repetition = {.warmup = 1,
                           .min_samples = 5,
                           .max_samples = 20,
                           .target_relative_ci = 0.05,
                           .max_seconds = 0.1};
        plan.check_results = false;
    } else if (const Status status = add_sampling(state, plan); !status.ok()) {
        return status.error();
    }
    if (const Status status = validate(plan); !status.ok())
        return status.error();
    return plan;
}

std::string counters_refusal(const DeviceInfo *device) {
    const DeviceInfo::Capability *counters = device ? find_capability(*device, "hardware counters") : nullptr;
    if (!counters || counters->state == "ok")
        return "";
    return fmt::format("{} reads none: {}{}{}.", device->id, counters->reason, counters->remedy.empty() ? "" : "; ",
                       counters->remedy);
}

bool slow_on_cpu(const Workload &workload, const std::vector<PlanItem> &items) {
    constexpr double kSlowFlops = 2e11; // minutes at the one GFLOP/s that the references reach
    const std::vector<std::int32_t> counts{std::int32_t(std::min<std::int64_t>(
        workload.slots(), std::numeric_limits<std::int32_t>::max()))};
    double flops = 0;
    for (const PlanItem &item : items)
        flops += minimum_cost(workload, item.op, item.variant, counts).flops;
    return flops > kSlowFlops;
}

double bytes_needed(const Workload &workload, const std::vector<PlanItem> &items) {
    double most = 0;
    for (const PlanItem &item : items)
        most = std::max(most, device_bytes(workload, item.op, item.variant));
    return most;
}

std::string plan_device(const WorkloadState &state) { return state.device == kEveryGpu ? "cuda:0" : state.device; }

std::vector<Plan> on_every_gpu(const Plan &plan, const std::vector<DeviceInfo> &devices) {
    std::vector<Plan> plans;
    for (const DeviceInfo &device : devices)
        if (!device.is_cpu()) {
            plans.push_back(plan);
            plans.back().device = device.id;
        }
    return plans;
}

const DeviceInfo *chosen_device(const std::vector<DeviceInfo> &devices, const std::string &wanted) {
    const auto is_wanted = [&](const DeviceInfo &device) {
        return wanted == "auto" || wanted == kEveryGpu ? !device.is_cpu() : device.id == wanted;
    };
    const auto found = std::find_if(devices.begin(), devices.end(), is_wanted);
    if (found != devices.end())
        return &*found;
    return wanted == "auto" && !devices.empty() ? &devices.front() : nullptr;
}

std::vector<std::size_t> matching_models(const std::vector<ModelShape> &catalogue,
                                         const std::string &search) {
    std::vector<std::string> words;
    for (const char letter : lower(search) + " ") {
        if (words.empty())
            words.emplace_back();
        if (letter != ' ')
            words.back() += letter;
        else if (!words.back().empty())
            words.emplace_back();
    }
    std::vector<std::size_t> matches;
    for (std::size_t i = 0; i < catalogue.size(); ++i) {
        const std::string name = lower(catalogue[i].name);
        if (std::all_of(words.begin(), words.end(), [&](const std::string &word) {
                return name.find(word) != std::string::npos;
            }))
            matches.push_back(i);
    }
    return matches;
}

bool live_due(const WorkloadState &state, double now) {
    return state.live && state.changed_at >= 0 && now - state.changed_at >= kLiveDelay;
}

} // namespace moescope
