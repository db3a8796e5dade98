// The options that select what is run: the same for run, tune and sweep. Kept as the
// text that was typed, so that every error can repeat it.
#pragma once

#include "profiler/plan/plan.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace moescope::cli {

struct PlanOptions {
    std::optional<std::string> model, experts, hidden, intermediate, top_k, vocab, dtype;
    std::optional<std::string> tokens, rank, lora_scaling, skew, seed, quant, quant_block, nested_block;
    std::optional<std::string> ops, variants, tile;
    std::optional<std::string> device;
    std::optional<std::string> counters, sample; // "" for the usual set
    std::optional<std::string> sample_interval;
    bool pc_sampling = false;
    std::optional<std::string> warmup, min_samples, max_samples, target_ci, max_seconds;
    std::optional<MeetingPlace> ranks; // no option: a plan of several ranks
    bool cold = false, warm = false, no_capture = false, no_check = false, tune_first = false;
};

void add_plan_options(CLI::App &command, PlanOptions &options);
// Of those, what several ranks can be asked for too: what is run, and how it is timed.
void add_workload_options(CLI::App &command, PlanOptions &options);
void add_timing_options(CLI::App &command, PlanOptions &options);

enum class Purpose { Run, Tune };
// Errors name the option. Tune: the tunable operators alone, each to be tuned before it runs.
Result<Plan> make_plan(const PlanOptions &options, Purpose purpose);
// In two steps: the workload as it was asked for, and the plan of this or a changed one, which is
// validated only here.
Result<Workload> make_workload(const PlanOptions &options);
Result<Plan> make_plan(const PlanOptions &options, Workload workload, Purpose purpose);

} // namespace moescope::cli
