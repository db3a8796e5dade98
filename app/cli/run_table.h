// What `run` and `tune` print: pure functions of a session and one of its runs.
#pragma once

#include "profiler/session/session.h"

#include <string>
#include <vector>

namespace moescope::cli {

// "Qwen3.5-35B-A3B on NVIDIA H200 (cuda:0): 2,048 tokens, top 8 of 256 experts, ..."
std::string run_headline(const RunRecord &run);
// One line a measurement that was made; "" where there are none. With counters, the DRAM bytes of a
// repetition and how many times the least they are stand beside it.
std::string measurement_table(const Session &session, RunId run);
// The fastest candidates of each operator and variant, at most `limit` of each, and how many were
// pruned or failed; "" where nothing was tuned.
std::string candidate_table(const Session &session, RunId run, std::size_t limit);

// What went wrong in this run, a sentence each: failed measurements, disagreeing results, and what
// the worker reported besides.
std::vector<std::string> problems_of(const Session &session, RunId run);

} // namespace moescope::cli
