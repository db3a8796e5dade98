#include "profiler/sweep/steps.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

class Curve {
  public:
    explicit Curve(std::span<const TrendPoint> points) : points_(points) {
        log_x_ = std::all_of(points.begin(), points.end(), [](const TrendPoint &p) { return p.x > 0; });
    }

    bool usable() const {
        if (points_.size() < 4)
            return false;
        for (std::size_t i = 0; i < points_.size(); ++i)
            if (!(points_[i].time > 0) || (i > 0 && !(points_[i].x > points_[i - 1].x)))
                return false;
        return true;
    }

    // What slopes around the interval from i - 1 to i would make of its time, in logarithms.
    struct Trend {
        double most = 0, least = 0;
    };
    Trend trend(std::size_t i) const {
        Trend found;
        const auto add = [&](double step) {
            found.most = std::max(found.most, step);
            found.least = std::min(found.least, step);
        };
        const double dx = width(i);
        if (i >= 2)
            add(rise(i - 1) / width(i - 1) * dx);
        if (i + 1 < points_.size())
            add(rise(i + 1) / width(i + 1) * dx);
        if (points_[i].floor > 0 && points_[i - 1].floor > 0)
            add(std::log(points_[i].floor / points_[i - 1].floor));
        const bool at_end = i == 1 || i + 1 == points_.size();
        if (at_end && log_x_)
            add(dx);
        return found;
    }
    double rise(std::size_t i) const { return std::log(points_[i].time / points_[i - 1].time); }

    // The samples alone could make this much of a step.
    bool within_noise(std::size_t i, double expected, bool up) const {
        const TrendPoint &a = points_[i - 1], &b = points_[i];
        return up ? b.low <= a.high * std::exp(expected) : b.high >= a.low * std::exp(expected);
    }

  private:
    double width(std::size_t i) const {
        return log_x_ ? std::log(points_[i].x / points_[i - 1].x) : points_[i].x - points_[i - 1].x;
    }

    std::span<const TrendPoint> points_;
    bool log_x_ = false;
};

} // namespace

std::vector<Step> find_steps(std::span<const TrendPoint> points) {
    std::vector<Step> steps;
    const Curve curve(points);
    if (!curve.usable())
        return steps;
    const double least = std::log(kLeastStep);
    for (std::size_t i = 1; i < points.size(); ++i) {
        const double rise = curve.rise(i);
        const auto [most, fewest] = curve.trend(i);
        const bool up = rise > most + least, down = rise < fewest - least;
        const double expected = up ? most : fewest;
        if ((up || down) && !curve.within_noise(i, expected, up))
            steps.push_back({i, std::exp(rise), std::exp(expected), up});
    }
    return steps;
}

} // namespace moescope
