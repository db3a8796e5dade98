// Tosses of a fair coin: how surely order statistics enclose a median.
#pragma once

#include <cmath>
#include <cstddef>

namespace moescope {

// P(exactly `successes` of n fair coin tosses); by logarithms, so that n may be large.
inline double fair_coin(std::size_t n, std::size_t successes) {
    const double log_ways = std::lgamma(double(n) + 1) - std::lgamma(double(successes) + 1) -
                            std::lgamma(double(n - successes) + 1);
    return std::exp(log_ways - double(n) * std::log(2.0));
}

} // namespace moescope
