// Comparing arrays in tests: one sentence about the first and the worst difference, "" if there is
// none, so that CHECK(difference(...) == "") says what is wrong.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace moescope::test {

// Every element must be within absolute + relative * |expected|; NaN equals NaN, an infinity
// itself.
inline std::string difference(const std::vector<float> &actual, const std::vector<float> &expected,
                              double relative, double absolute = 0) {
    if (actual.size() != expected.size())
        return std::to_string(actual.size()) + " elements, expected " +
               std::to_string(expected.size());
    const auto element = [&](std::size_t i) {
        return "element " + std::to_string(i) + " is " + std::to_string(actual[i]) + ", expected " +
               std::to_string(expected[i]);
    };
    std::size_t wrong = 0, first = 0, worst = 0;
    double worst_ratio = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        if (actual[i] == expected[i] || (std::isnan(actual[i]) && std::isnan(expected[i])))
            continue;
        const double allowed = absolute + relative * std::fabs(double(expected[i]));
        const double error = std::fabs(double(actual[i]) - double(expected[i]));
        if (error <= allowed && std::isfinite(allowed))
            continue;
        if (wrong++ == 0)
            first = i;
        const double ratio =
            std::isnan(error) ? std::numeric_limits<double>::infinity() : error / allowed;
        if (ratio > worst_ratio) {
            worst_ratio = ratio;
            worst = i;
        }
    }
    if (wrong == 0)
        return "";
    return std::to_string(wrong) + " of " + std::to_string(actual.size()) +
           " differ; first: " + element(first) + "; worst: " + element(worst);
}

// Exact equality, for integers.
template <class T>
std::string difference(const std::vector<T> &actual, const std::vector<T> &expected) {
    if (actual.size() != expected.size())
        return std::to_string(actual.size()) + " elements, expected " +
               std::to_string(expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i)
        if (actual[i] != expected[i])
            return "element " + std::to_string(i) + " is " + std::to_string(actual[i]) +
                   ", expected " + std::to_string(expected[i]);
    return "";
}

} // namespace moescope::test
