#include "profiler/crossover/fit.h"

#include "profiler/workload/cost.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr double kRidge = 1e-3; // of the squared weights, beside the mean loss
constexpr int kMostSteps = 100;

using Vec3 = std::array<double, 3>;

struct Sample {
    Vec3 features; // 1, x, y in standard units
    bool b = false;
};

struct Standard {
    double mean = 0, deviation = 0; // 0: all values are the same
    double of(double value) const { return deviation > 0 ? (value - mean) / deviation : 0; }
};

double scaled(AxisScale scale, double value) {
    return scale == AxisScale::Log2 ? std::log2(value) : value;
}
double unscaled(AxisScale scale, double value) {
    return scale == AxisScale::Log2 ? std::exp2(value) : value;
}

AxisScale scale_of(const CrossoverAxis &axis, const std::vector<double> &values) {
    const bool positive = std::all_of(values.begin(), values.end(), [](double v) { return v > 0; });
    return axis.id != CrossoverProperty::Skew && positive ? AxisScale::Log2 : AxisScale::Linear;
}

template <typename Value> Standard standard_of(std::size_t count, Value value) {
    Standard standard;
    for (std::size_t i = 0; i < count; ++i)
        standard.mean += value(i) / double(count);
    for (std::size_t i = 0; i < count; ++i)
        standard.deviation += std::pow(value(i) - standard.mean, 2) / double(count);
    standard.deviation = std::sqrt(standard.deviation);
    if (standard.deviation < 1e-12 * std::max(1.0, std::fabs(standard.mean)))
        standard.deviation = 0;
    return standard;
}

double dot(const Vec3 &a, const Vec3 &b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

// log(1 + exp(t)) without overflow.
double softplus(double t) { return std::max(t, 0.0) + std::log1p(std::exp(-std::fabs(t))); }

double loss(const std::vector<Sample> &samples, const Vec3 &w) {
    double sum = 0;
    for (const Sample &sample : samples) {
        const double t = dot(w, sample.features);
        sum += softplus(sample.b ? -t : t);
    }
    return sum / double(samples.size()) + kRidge / 2 * (w[1] * w[1] + w[2] * w[2]);
}

// Gaussian elimination with pivoting of a symmetric positive definite system.
Vec3 solve(std::array<Vec3, 3> a, Vec3 b) {
    for (std::size_t c = 0; c < 3; ++c) {
        std::size_t pivot = c;
        for (std::size_t r = c + 1; r < 3; ++r)
            if (std::fabs(a[r][c]) > std::fabs(a[pivot][c]))
                pivot = r;
        std::swap(a[c], a[pivot]);
        std::swap(b[c], b[pivot]);
        for (std::size_t r = c + 1; r < 3; ++r) {
            const double factor = a[r][c] / a[c][c];
            for (std::size_t k = c; k < 3; ++k)
                a[r][k] -= factor * a[c][k];
            b[r] -= factor * b[c];
        }
    }
    for (std::size_t c = 3; c-- > 0;) {
        for (std::size_t k = c + 1; k < 3; ++k)
            b[c] -= a[c][k] * b[k];
        b[c] /= a[c][c];
    }
    return b;
}

Vec3 newton_step(const std::vector<Sample> &samples, const Vec3 &w) {
    // The diagonal keeps a feature that never changes solvable.
    std::array<Vec3, 3> hessian{Vec3{1e-9, 0, 0}, Vec3{0, kRidge, 0}, Vec3{0, 0, kRidge}};
    Vec3 gradient{0, kRidge * w[1], kRidge * w[2]};
    for (const Sample &sample : samples) {
        const double p = 1 / (1 + std::exp(-dot(w, sample.features)));
        const double share = 1 / double(samples.size());
        for (std::size_t i = 0; i < 3; ++i) {
            gradient[i] += share * (p - (sample.b ? 1 : 0)) * sample.features[i];
            for (std::size_t j = 0; j < 3; ++j)
                hessian[i][j] += share * p * (1 - p) * sample.features[i] * sample.features[j];
        }
    }
    return solve(hessian, gradient);
}

// Newton's method with halved steps; the loss is convex.
Vec3 minimise(const std::vector<Sample> &samples) {
    Vec3 w{};
    double now = loss(samples, w);
    for (int step = 0; step < kMostSteps; ++step) {
        const Vec3 move = newton_step(samples, w);
        double part = 1, next = now;
        Vec3 moved = w;
        for (; part > 1e-6; part /= 2) {
            for (std::size_t i = 0; i < 3; ++i)
                moved[i] = w[i] - part * move[i];
            next = loss(samples, moved);
            if (next < now)
                break;
        }
        if (!(next < now - 1e-14))
            break;
        w = moved;
        now = next;
    }
    return w;
}

FittedRule fitted_on(const CrossoverMap &map, const std::vector<const CrossoverCell *> &cells) {
    FittedRule rule{.scales = scales_of(map)};
    const auto wins = std::count_if(cells.begin(), cells.end(),
                                    [](const CrossoverCell *cell) { return cell->b_wins(); });
    if (wins == 0 || std::size_t(wins) == cells.size()) {
        rule.intercept = wins == 0 ? -1 : 1;
        return rule;
    }
    const auto x = [&](std::size_t i) { return scaled(rule.scales[0], cells[i]->x); };
    const auto y = [&](std::size_t i) { return scaled(rule.scales[1], cells[i]->y); };
    const Standard sx = standard_of(cells.size(), x), sy = standard_of(cells.size(), y);
    std::vector<Sample> samples;
    for (std::size_t i = 0; i < cells.size(); ++i)
        samples.push_back({{1, sx.of(x(i)), sy.of(y(i))}, cells[i]->b_wins()});
    const Vec3 w = minimise(samples);
    rule.weights = {sx.deviation > 0 ? w[1] / sx.deviation : 0,
                    sy.deviation > 0 ? w[2] / sy.deviation : 0};
    rule.intercept = w[0] - rule.weights[0] * sx.mean - rule.weights[1] * sy.mean;
    return rule;
}

bool wrong(const FittedRule &rule, const CrossoverCell &cell) {
    return rule.chooses_b(cell.x, cell.y) != cell.b_wins();
}

std::size_t left_out_errors(const CrossoverMap &map,
                            const std::vector<const CrossoverCell *> &decided) {
    std::size_t errors = 0;
    for (std::size_t i = 0; decided.size() > 1 && i < decided.size(); ++i) {
        auto others = decided;
        others.erase(others.begin() + std::ptrdiff_t(i));
        errors += wrong(fitted_on(map, others), *decided[i]) ? 1 : 0;
    }
    return errors;
}

// The bounds of the published rule, found by asking it: it takes fewer experts and larger weights.
std::int64_t most_experts_of_split() {
    std::int64_t low = 1, high = 1 << 20;
    while (high - low > 1) {
        const std::int64_t middle = low + (high - low) / 2;
        (published_rule_chooses_split(middle, std::int64_t(1) << 40, 1) ? low : high) = middle;
    }
    return low;
}

std::int64_t least_weight_of_split() {
    std::int64_t low = 0, high = std::int64_t(1) << 40;
    while (high - low > 1) {
        const std::int64_t middle = low + (high - low) / 2;
        (published_rule_chooses_split(1, middle, 1) ? high : low) = middle;
    }
    return high;
}

} // namespace

std::array<AxisScale, 2> scales_of(const CrossoverMap &map) {
    return {scale_of(*map.x, map.xs), scale_of(*map.y, map.ys)};
}

bool FittedRule::chooses_b(double x, double y) const {
    return intercept + weights[0] * scaled(scales[0], x) + weights[1] * scaled(scales[1], y) > 0;
}

std::optional<double> FittedRule::y_at(double x) const {
    if (weights[1] == 0)
        return std::nullopt;
    return unscaled(scales[1], -(intercept + weights[0] * scaled(scales[0], x)) / weights[1]);
}

std::optional<double> FittedRule::x_at(double y) const {
    if (weights[0] == 0)
        return std::nullopt;
    return unscaled(scales[0], -(intercept + weights[1] * scaled(scales[1], y)) / weights[0]);
}

std::vector<std::pair<double, double>> fitted_boundary(const FittedRule &rule, std::pair<double, double> x_range,
                                                       std::pair<double, double> y_range) {
    const auto within = [](double v, std::pair<double, double> range) {
        const double slack = 1e-9 * (range.second - range.first);
        return v >= range.first - slack && v <= range.second + slack;
    };
    std::vector<std::pair<double, double>> ends;
    const auto add = [&](double x, double y) {
        if (within(x, x_range) && within(y, y_range))
            ends.emplace_back(x, y);
    };
    for (const double x : {x_range.first, x_range.second})
        if (const auto y = rule.y_at(x))
            add(x, *y);
    for (const double y : {y_range.first, y_range.second})
        if (const auto x = rule.x_at(y))
            add(*x, y);
    if (ends.size() < 2)
        return {};
    const auto [first, last] = std::ranges::minmax_element(ends);
    return {*first, *last};
}

std::optional<FittedRule> fit_rule(const CrossoverMap &map) {
    std::vector<const CrossoverCell *> decided;
    for (const CrossoverCell &cell : map.cells)
        if (cell.decided)
            decided.push_back(&cell);
    if (decided.empty())
        return std::nullopt;
    FittedRule rule = fitted_on(map, decided);
    rule.decided = decided.size();
    for (const CrossoverCell *cell : decided)
        rule.misclassified += wrong(rule, *cell) ? 1 : 0;
    rule.left_out_misclassified = left_out_errors(map, decided);
    return rule;
}

bool has_published_rule(const CrossoverMap &map) {
    return (map.op == OperatorId::GateUp || map.op == OperatorId::Down) && map.a == "fused" &&
           map.b == "split";
}

std::vector<std::pair<double, double>> published_boundary(const CrossoverMap &map,
                                                          std::pair<double, double> x_range,
                                                          std::pair<double, double> y_range) {
    if (!has_published_rule(map) || map.cells.empty())
        return {};
    // Split lies below the bound of the experts and above that of the weight.
    const auto most = double(most_experts_of_split()), least = double(least_weight_of_split());
    const RuleFacts &facts = map.cells.front().facts; // what no axis varies is the same in all
    const bool experts_on_x = map.x->id == CrossoverProperty::Experts;
    const bool weight_on_y = map.y->id == CrossoverProperty::Weight;
    const bool weight_on_x = map.x->id == CrossoverProperty::Weight;
    const auto within = [](double v, std::pair<double, double> range) {
        return v > range.first && v < range.second;
    };
    if (experts_on_x && weight_on_y) {
        if (x_range.first > most || y_range.second < least)
            return {};
        std::vector<std::pair<double, double>> line;
        if (within(least, y_range)) {
            line.emplace_back(x_range.first, least);
            line.emplace_back(std::min(most, x_range.second), least);
        }
        if (within(most, x_range)) {
            if (line.empty())
                line.emplace_back(most, y_range.first);
            line.emplace_back(most, y_range.second);
        }
        return line;
    }
    if (experts_on_x && within(most, x_range) && double(facts.weight) >= least)
        return {{most, y_range.first}, {most, y_range.second}};
    if (weight_on_x && within(least, x_range) && double(facts.experts) <= most)
        return {{least, y_range.first}, {least, y_range.second}};
    return {};
}

RuleCost cost_of(const CrossoverMap &map,
                 const std::function<bool(const CrossoverCell &)> &chooses_b) {
    RuleCost cost;
    for (std::size_t i = 0; i < map.cells.size(); ++i) {
        const CrossoverCell &cell = map.cells[i];
        const double lost = cell.lost_ns(chooses_b(cell));
        cost.best_ns += cell.best_ns();
        cost.lost_ns += lost;
        if (!cell.decided)
            cost.undecided_lost_ns += lost;
        else if (lost > 0)
            ++cost.wrong;
        if (lost > 0 && (!cost.worst || lost > map.cells[*cost.worst].lost_ns(
                                                   chooses_b(map.cells[*cost.worst]))))
            cost.worst = i;
    }
    return cost;
}

std::vector<NamedRule> rules_of(const CrossoverMap &map, const std::optional<FittedRule> &fitted) {
    std::vector<NamedRule> rules;
    const auto add = [&](std::string name, std::function<bool(const CrossoverCell &)> chooses_b) {
        RuleCost cost = cost_of(map, chooses_b);
        rules.push_back({std::move(name), std::move(chooses_b), std::move(cost)});
    };
    if (fitted)
        add("fitted", [rule = *fitted](const CrossoverCell &cell) {
            return rule.chooses_b(cell.x, cell.y);
        });
    if (has_published_rule(map))
        add("published", [](const CrossoverCell &cell) {
            return published_rule_chooses_split(cell.facts.experts, cell.facts.weight, 1);
        });
    add("always " + map.a, [](const CrossoverCell &) { return false; });
    add("always " + map.b, [](const CrossoverCell &) { return true; });
    return rules;
}

} // namespace moescope
