#include "profiler/stats/summary.h"

#include "profiler/stats/fair_coin.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace moescope {

namespace {

double quantile(const std::vector<float> &sorted, double q) {
    const double at = q * double(sorted.size() - 1);
    const auto below = std::size_t(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (at - double(below)) * (double(sorted[above]) - sorted[below]);
}

// The median lies outside [x(r), x(n-1-r)] (counted from 0) with probability 2 P(Binomial(n, 1/2)
// <= r): the largest r that keeps it to 5 %. With fewer than 6 samples no interval is that sure: 0,
// the range.
std::size_t rank_of_ci(std::size_t n) {
    double tail = 0;
    std::size_t rank = 0;
    for (std::size_t r = 0; r < n / 2; ++r) {
        tail += fair_coin(n, r);
        if (tail > 0.025)
            break;
        rank = r;
    }
    return rank;
}

} // namespace

Summary summarize(std::span<const float> values) {
    Summary summary;
    if (values.empty())
        return summary;
    std::vector<float> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    const std::size_t rank = rank_of_ci(sorted.size());
    summary.samples = sorted.size();
    summary.minimum = sorted.front();
    summary.p10 = quantile(sorted, 0.1);
    summary.median = quantile(sorted, 0.5);
    summary.p90 = quantile(sorted, 0.9);
    summary.maximum = sorted.back();
    summary.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / double(sorted.size());
    summary.ci_low = sorted[rank];
    summary.ci_high = sorted[sorted.size() - 1 - rank];
    return summary;
}

} // namespace moescope
