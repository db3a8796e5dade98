// The left pane: what is to be run. Device, model, shape, tokens, routing, operators.
#pragma once

#include "app/views/metric_picker.h"
#include "app/views/view_context.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

// What is ticked before anyone chose: the operators of the forward pass.
std::array<bool, kOperatorCount> wanted_at_first();

struct WorkloadState {
    Workload workload;
    std::string device = "auto";
    std::array<bool, kOperatorCount> wanted = wanted_at_first();
    CacheState cache = CacheState::Cold;
    MetricPickerState counters; // read after the timing of each operator; not by live runs
    bool sample_counters = false, sample_instructions = false; // after the timing
    bool live = false;

    std::vector<ModelShape> catalogue;
    std::optional<Error> catalogue_error; // why it is empty
    std::string search;                   // in the model list
    std::string config_path;              // of a config.json to read
    std::optional<Error> config_error;

    // When the workload changed first since the last live run, by ImGui's clock (a slider being
    // dragged keeps running what it has reached); < 0: nothing waits to be run.
    double changed_at = -1;
};

inline constexpr const char *kNoTilesOnCpu =
    "The CPU's references have no tiles, so there is nothing to tune: choose a CUDA device.";

struct WorkloadActions {
    std::function<void(Plan, bool replace)> run;
    std::function<void(std::vector<PlanItem>)> tune; // on this workload
    std::function<void()> stop;
    MetricPickerActions metrics;
};

// A wrong field, for the sentence under it: "tokens", "top_k", ... or "" when no field is to blame.
struct FieldProblem {
    std::string field;
    Error error;
};
std::optional<FieldProblem> find_problem(const Workload &workload);
// The field an error's `what` speaks of, "" if none of ours.
std::string field_of(const Error &error);

// Sets the fields to what a plan measured, so that Run repeats it. The device stays: it may be
// another machine's.
void take_over(WorkloadState &state, const Plan &plan);

// The operators that a run of the workload can have, ticked or not.
std::array<bool, kOperatorCount> operators_of(const Workload &workload);
// A family's members, by id.
std::vector<OperatorId> operators_in(OperatorFamily family);
// What a family's own box shows: of the members that apply, all, some or none ticked.
enum class FamilyTick { Absent, None, Some, All };
FamilyTick family_tick(const std::array<bool, kOperatorCount> &wanted,
                       const std::array<bool, kOperatorCount> &there,
                       const std::vector<OperatorId> &members);
// The operators that are ticked and apply to the workload, every variant of each.
Result<std::vector<PlanItem>> wanted_items(const WorkloadState &state);
// What Run would run; live: fewer repetitions, so that the answer comes at once.
Result<Plan> make_plan(const WorkloadState &state, bool live);

// As a device, every GPU in turn: a plan each. What is run for a moment, as when a slider moves, runs on
// the first.
inline constexpr const char *kEveryGpu = "cuda:all";
std::string plan_device(const WorkloadState &state);
std::vector<Plan> on_every_gpu(const Plan &plan, const std::vector<DeviceInfo> &devices);

// The most device memory that one of the items takes, bytes.
double bytes_needed(const Workload &workload, const std::vector<PlanItem> &items);
// The device a plan for `wanted` ("auto": the first GPU, else the CPU) would use; null: not known
// yet.
const DeviceInfo *chosen_device(const std::vector<DeviceInfo> &devices, const std::string &wanted);

// Why the device gives no hardware counters, and what to do; "" where it does or nobody knows yet.
std::string counters_refusal(const DeviceInfo *device);

// A batch that the CPU's references, honest but not fast, get through in seconds.
inline constexpr std::int64_t kCpuTokens = 16;
// True where the CPU would take minutes or longer for the items: their matrix products are large.
bool slow_on_cpu(const Workload &workload, const std::vector<PlanItem> &items);

// Models whose name has every word of the search, ignoring case, as indices into the catalogue.
std::vector<std::size_t> matching_models(const std::vector<ModelShape> &catalogue,
                                         const std::string &search);

// Live runs start this long after a change, seconds: changes in between come along.
inline constexpr double kLiveDelay = 0.06;
// True once a change has waited long enough; the caller then runs the plan.
bool live_due(const WorkloadState &state, double now);

void draw_workload(ViewContext &context, WorkloadState &state, const WorkloadActions &actions);

} // namespace moescope
