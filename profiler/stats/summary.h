// Statistics that respect noise: order statistics, and a confidence interval of the median that
// assumes nothing about the distribution.
#pragma once

#include <cstddef>
#include <span>

namespace moescope {

struct Summary {
    std::size_t samples = 0;
    double minimum = 0, p10 = 0, median = 0, p90 = 0, maximum = 0, mean = 0;
    double ci_low = 0, ci_high = 0; // 95 % of the median, from binomial order statistics
    double relative_ci() const { return median > 0 ? (ci_high - ci_low) / median : 0; }
    friend bool operator==(const Summary &, const Summary &) = default;
};

// Linear interpolation between order statistics (type 7). Empty input gives all zeros.
Summary summarize(std::span<const float> values);

} // namespace moescope
