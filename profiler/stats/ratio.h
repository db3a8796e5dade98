// How two medians relate, and how surely: assumes nothing about the distributions, nor that both are
// the same.
#pragma once

#include "profiler/stats/summary.h"

#include <cstddef>
#include <optional>
#include <span>

namespace moescope {

struct RatioInterval {
    double ratio = 1;         // median of b / median of a
    double low = 1, high = 1; // 95 %
    friend bool operator==(const RatioInterval &, const RatioInterval &) = default;
};

// Fewer samples than this bound no median at 95 %: the range of five does at 94 %.
inline constexpr std::size_t kFewestForRatio = 6;
inline bool has_interval(const Summary &time) { return time.samples >= kFewestForRatio; }

// The distribution-free interval of R. M. Price and D. G. Bonett, "Distribution-free confidence
// intervals for difference and ratio of medians", Journal of Statistical Computation and Simulation
// 72 (2002), 119-124: the variance of each logarithm's median from two order statistics, which a
// binomial count places about two standard errors from the median. Nothing where a side has fewer
// than kFewestForRatio samples or one that is not positive.
std::optional<RatioInterval> ratio_of_medians(std::span<const float> a, std::span<const float> b);

} // namespace moescope
