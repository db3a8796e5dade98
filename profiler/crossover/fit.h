// Rules for choosing between the two variants of a map: the boundary fitted from its cells, the
// published one, and what following a rule costs.
#pragma once

#include "profiler/crossover/map.h"

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moescope {

enum class AxisScale { Log2, Linear }; // Linear where a value is 0, and for a skew
constexpr const char *name_of(AxisScale scale) {
    return scale == AxisScale::Log2 ? "log2" : "linear";
}

// Of the map's axes.
std::array<AxisScale, 2> scales_of(const CrossoverMap &map);

// Choose b where intercept + weights[0] * scale(x) + weights[1] * scale(y) > 0.
struct FittedRule {
    std::array<AxisScale, 2> scales{};
    double intercept = 0;
    std::array<double, 2> weights{};
    std::size_t decided = 0;       // cells it was fitted from
    std::size_t misclassified = 0; // of them
    // Of them when each is predicted by a rule that was fitted without it.
    std::size_t left_out_misclassified = 0;

    bool chooses_b(double x, double y) const;
    // On the boundary, the y that belongs to an x; nothing where the boundary does not depend on y.
    std::optional<double> y_at(double x) const;
    std::optional<double> x_at(double y) const;
};

// Where the rule's boundary meets the edges of the ranges given: its two ends there; nothing where it lies
// outside.
std::vector<std::pair<double, double>> fitted_boundary(const FittedRule &rule, std::pair<double, double> x_range,
                                                       std::pair<double, double> y_range);

// Logistic regression on the decided cells, with a small ridge penalty so that cells that a line
// parts cleanly have a finite answer, by Newton's method: T. Hastie, R. Tibshirani, J. Friedman,
// "The Elements of Statistical Learning", 2nd ed. (2009), section 4.4; S. le Cessie, J. C. van
// Houwelingen, "Ridge estimators in logistic regression", Applied Statistics 41 (1992), 191-201.
// Where one variant wins every decided cell it is chosen everywhere. Nothing without a decided cell.
std::optional<FittedRule> fit_rule(const CrossoverMap &map);

// Whether the published rule speaks about this operator and pair: fused against split of the
// grouped products.
bool has_published_rule(const CrossoverMap &map);

// The published rule's boundary in the map's plane, as corners of a line that ends at the edges of
// the ranges given; empty where it chooses one variant all over them.
std::vector<std::pair<double, double>> published_boundary(const CrossoverMap &map,
                                                          std::pair<double, double> x_range,
                                                          std::pair<double, double> y_range);

struct RuleCost {
    double lost_ns = 0;           // over all cells, against the best choice in each
    double best_ns = 0;           // what the best choices take
    double undecided_lost_ns = 0; // of lost_ns, in cells that are not decided: noise may explain it
    std::size_t wrong = 0;        // decided cells where it chose the slower one
    std::optional<std::size_t> worst; // the cell that loses most time; none where nothing is lost
    double share() const { return best_ns > 0 ? lost_ns / best_ns : 0; }
};
RuleCost cost_of(const CrossoverMap &map,
                 const std::function<bool(const CrossoverCell &)> &chooses_b);

struct NamedRule {
    std::string name; // "fitted", "published", "always fused"
    std::function<bool(const CrossoverCell &)> chooses_b;
    RuleCost cost;
};
// The fitted one and the published one where there are, and each variant always.
std::vector<NamedRule> rules_of(const CrossoverMap &map, const std::optional<FittedRule> &fitted);

} // namespace moescope
