// Plans small enough to be run on the CPU within moments.
#pragma once

#include "profiler/plan/plan.h"

namespace moescope::testing {

inline Workload small_workload() {
    Workload workload;
    workload.model.name = "small";
    workload.model.experts = 8;
    workload.model.hidden = 64;
    workload.model.intermediate = 32;
    workload.model.top_k = 2;
    workload.model.vocab = 1000;
    workload.tokens = 48;
    workload.lora_rank = 4;
    return workload;
}

inline Plan small_plan(const std::vector<std::string> &ops = {}) {
    Plan plan;
    plan.workload = small_workload();
    plan.device = "cpu";
    plan.items = plan_items(plan.workload, ops, {}).value();
    plan.repetition.max_samples = 20;
    plan.repetition.max_seconds = 0.05;
    return plan;
}

// Keeps the worker busy for minutes, unless it is cancelled or killed.
inline Plan endless_plan() {
    Plan plan = small_plan({"gate_up"});
    plan.workload.tokens = 1024;
    plan.repetition.min_samples = plan.repetition.max_samples = 100'000;
    plan.repetition.max_seconds = 3600;
    return plan;
}

} // namespace moescope::testing
