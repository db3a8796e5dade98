#include "profiler/stats/ratio.h"

#include "profiler/stats/fair_coin.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace moescope {

namespace {

constexpr double kNormal95 = 1.959963984540054; // 97.5 % of a standard normal lies below

// The value that a standard normal exceeds with this probability, 0 < tail < 0.5.
double normal_above(double tail) {
    double low = 0, high = 40;
    for (int step = 0; step < 100; ++step) {
        const double middle = (low + high) / 2;
        (0.5 * std::erfc(middle / std::sqrt(2.0)) > tail ? low : high) = middle;
    }
    return (low + high) / 2;
}

struct LogMedian {
    double median = 0, variance = 0;
};

LogMedian log_median(std::span<const float> values) {
    std::vector<double> logs(values.size());
    std::transform(values.begin(), values.end(), logs.begin(),
                   [](float value) { return std::log(double(value)); });
    std::sort(logs.begin(), logs.end());
    const std::size_t n = logs.size();
    const double place = std::round((double(n) + 1) / 2 - std::sqrt(double(n)));
    const auto c = std::size_t(std::max(1.0, place)); // counted from 1
    double tail = 0;
    for (std::size_t i = 0; i < c; ++i)
        tail += fair_coin(n, i);
    const double error = (logs[n - c] - logs[c - 1]) / (2 * normal_above(tail));
    // The median as summarize() gives it, so that ratio and medians shown side by side agree.
    const double median = n % 2 == 1 ? logs[n / 2]
                                     : std::log((std::exp(logs[n / 2 - 1]) + std::exp(logs[n / 2])) / 2);
    return {median, error * error};
}

bool usable(std::span<const float> values) {
    return values.size() >= kFewestForRatio &&
           std::all_of(values.begin(), values.end(),
                       [](float value) { return value > 0 && std::isfinite(value); });
}

} // namespace

std::optional<RatioInterval> ratio_of_medians(std::span<const float> a, std::span<const float> b) {
    if (!usable(a) || !usable(b))
        return std::nullopt;
    const LogMedian first = log_median(a), second = log_median(b);
    const double middle = second.median - first.median;
    const double half = kNormal95 * std::sqrt(first.variance + second.variance);
    return RatioInterval{std::exp(middle), std::exp(middle - half), std::exp(middle + half)};
}

} // namespace moescope
