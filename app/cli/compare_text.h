// What `compare` prints: pure functions of two sides and their comparison.
#pragma once

#include "profiler/compare/comparison.h"

#include <string>

namespace moescope::cli {

// Which is A and which is B, and where they were measured.
std::string comparison_headline(const ComparedSide &a, const ComparedSide &b, const Comparison &comparison);
// A line a row, then why for what changed or is unclear, what one side alone has, and the summary.
std::string comparison_table(const ComparedSide &a, const ComparedSide &b, const Comparison &comparison);

// moescope.compare, version 1; times are nanoseconds, sizes bytes; what is not there is null:
//   a, b      {session, runs: [numbers from 1]}
//   threshold 0.03: relative
//   regressed as the exit code says
//   devices   differences: [{what, a, b}]
//   rows      [{operator, a_variant, b_variant, where, a_tile, b_tile, a_run, b_run, a_median_ns,
//               b_median_ns, ratio: B / A, ratio_95: [low, high], verdict: slower|faster|same|unclear,
//               reason, differences: [{what, a, b}], quantities: [{name, a, b, change, unit}]}]
//   unmatched [{operator, variant, only_in: a|b, run, median_ns, reason, failed}]
//   counts    {slower, faster, same, unclear}
//   geometric_mean
std::string comparison_json(const ComparedSide &a, const ComparedSide &b, const Comparison &comparison);

} // namespace moescope::cli
