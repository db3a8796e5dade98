// What is to be run and how: the window and the command line make the same plans.
#pragma once

#include "profiler/base/result.h"
#include "profiler/ranks/meeting_place.h"
#include "profiler/workload/operators.h"
#include "profiler/workload/workload.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

// Zero in every field: the kernels' default for the shape.
struct TileConfig {
    std::int32_t block_m = 0, block_n = 0, block_k = 0, warps = 0, stages = 0;
    bool is_default() const { return block_m == 0; }
    // Hopper's own family of tiles (MS_TILE_WGMMA): its 12 warps tell it from the portable one's 1 to 8.
    bool is_wgmma() const { return warps > 8; }
    const char *family() const { return is_wgmma() ? "wgmma" : "mma.sync"; }
    std::string text() const; // "128x128x32 w4 s4", "wgmma 128x256x64 w12 s4", "default"
    friend auto operator<=>(const TileConfig &, const TileConfig &) = default;
};

// A text in place of a run-time kernel's source file of that name.
struct SourceFile {
    std::string name; // "scatter2scatter.jit.cu"
    std::string text;
    friend bool operator==(const SourceFile &, const SourceFile &) = default;
};

struct PlanItem {
    OperatorId op = OperatorId::SoftmaxTopk;
    std::string variant;
    TileConfig config;
    friend bool operator==(const PlanItem &, const PlanItem &) = default;
};

// Repeat until the median's 95 % confidence interval is narrower than target (relative), or a limit.
struct Repetition {
    std::int32_t warmup = 3;
    std::int32_t min_samples = 10;
    std::int32_t max_samples = 200;
    double target_relative_ci = 0.01;
    double max_seconds = 1.0; // of one measurement
    friend bool operator==(const Repetition &, const Repetition &) = default;
};

enum class CacheState { Cold, Warm }; // Cold: L2 flushed before every repetition

struct Plan {
    Workload workload;
    std::string device = "auto"; // "cuda:0", "cpu"
    std::vector<PlanItem> items;
    Repetition repetition;
    CacheState cache = CacheState::Cold;
    bool capture = true;            // CUPTI activity (cuda only)
    bool check_results = true;      // compare each variant's output with the operator's first one
    std::vector<PlanItem> tune;     // operator x variant to tune before the items run; config unused
    std::int32_t tune_max_candidates = 0; // 0: all
    // Passes of their own after an item's timing; their numbers never mix with it.
    std::vector<std::string> counters; // metrics read for every item (cuda only); empty: none
    std::vector<std::string> sampled;  // metrics sampled over time, one pass all together; empty: none
    std::int64_t sampling_interval_ns = 20'000;
    bool pc_sampling = false;          // where warps wait, instruction by instruction
    // Several plans, one a rank, that are carried out in step: the workload is that of all ranks
    // together, of which each has its share of the tokens and of the experts.
    std::optional<MeetingPlace> ranks;
    // What the kernels of edited items (edited_variant) are compiled from; theirs alone.
    std::vector<SourceFile> edits;
    friend bool operator==(const Plan &, const Plan &) = default;
};

// Whether this operator and variant can run this workload; the error says why not ("softmax_topk
// cannot run: ...").
Status can_run(const Workload &workload, OperatorId op, std::string_view variant);

// The same of an operator that several ranks run together.
Status can_run(const Workload &workload, OperatorId op, std::string_view variant, std::int32_t ranks);
// Those of the items that have tiles; for "tuned", the variants that it may stand for.
std::vector<PlanItem> tunable_items(const Workload &workload, const std::vector<PlanItem> &items);
// All variants that can run of the operators named, by their own name, by family ("backward") or
// "all". None named means what the model's forward pass does. An operator asked for by its own name
// must run: if it cannot (LoRA needs a rank, sigmoid_topk a sigmoid router, ...), the error says why;
// one that comes with its family is left out where it does not apply. Variants, where named, keep only
// those: they must belong to each operator named by itself, and others that have none are left out.
Result<std::vector<PlanItem>> plan_items(const Workload &workload, const std::vector<std::string> &ops,
                                         const std::vector<std::string> &variants);
Status validate(const Plan &plan);

// The item as it is and once more from these texts, on the same inputs; nothing else.
Plan retiming_plan(Plan plan, const PlanItem &item, std::vector<SourceFile> edits);
// Whether the operator's kernels are compiled at run time, so that there is a source to edit.
bool has_tile_kernel(OperatorId op);

// "gate_up, down": those that have tiles.
std::string tunable_operators();

} // namespace moescope
