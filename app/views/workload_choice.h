// Everything chosen in the workload pane, as one value: what undo goes back to and what the settings
// remember.
#pragma once

#include "app/views/workload.h"

namespace moescope {

struct WorkloadChoice {
    Workload workload;
    std::string device = "auto";
    std::array<bool, kOperatorCount> wanted = wanted_at_first();
    CacheState cache = CacheState::Cold;
    std::vector<std::string> counters;
    bool sample_counters = false, sample_instructions = false;
    friend bool operator==(const WorkloadChoice &, const WorkloadChoice &) = default;
};

WorkloadChoice choice_of(const WorkloadState &state);
// Leaves everything that is not a choice (the catalogue, the search) as it is.
void apply(const WorkloadChoice &choice, WorkloadState &state);

// What went from one to the other, for a menu: "tokens 64 → 128", "model", "3 operators"; "" for equals.
std::string change_between(const WorkloadChoice &before, const WorkloadChoice &after);

} // namespace moescope
