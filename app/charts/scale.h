// Ranges, scales and ticks: the arithmetic of a chart's axis. Nothing here draws.
#pragma once

#include <string>
#include <vector>

namespace moescope::charts {

struct Range {
    double low = 0, high = 1;
    double span() const { return high - low; }
    bool contains(double value) const { return value >= low && value <= high; }
    friend bool operator==(const Range &, const Range &) = default;
};

// The range of what has been added; {0, 1} while empty.
class Extent {
  public:
    void add(double value);
    bool empty() const { return low_ > high_; }
    Range range() const { return empty() ? Range{} : Range{low_, high_}; }

  private:
    double low_ = 1, high_ = 0;
};

// Room on both sides: `share` of the span (of the decades on a log axis). A single value gets a
// range round it, so that a chart of one point has an axis.
Range padded(Range range, double share, bool log = false);

// Maps values to pixels. On a log scale, values that are not positive land on the low end.
struct Scale {
    Range range;
    double pixel_low = 0, pixel_high = 1; // pixel_low > pixel_high on an upward y axis
    bool log = false;

    double to_pixel(double value) const;
    double to_value(double pixel) const;
};

// The range after zooming about a value by a factor (< 1 zooms in), and after moving by pixels.
Range zoomed(const Scale &scale, double about_pixel, double factor);
Range panned(const Scale &scale, double by_pixels);

enum class Unit { Number, Count, DurationNs, Bytes, Ratio, Share, BytesPerSecond, FlopsPerSecond };

// What people read on hover: three digits and the unit.
std::string format(double value, Unit unit);

struct Tick {
    double value = 0;
    std::string label; // "" for a minor tick
};
// At most about `wanted` labelled ticks inside the range, at 1, 2 or 5 times a power of ten; all
// labels of an axis share one unit and number of decimals. A log axis of less than two decades that
// would get fewer than three ticks is ticked linearly.
std::vector<Tick> ticks(Range range, int wanted, Unit unit, bool log = false);
// At the values themselves, of those in sight, where they are what was measured: labels no nearer to each
// other than so many pixels. Nothing where fewer than two are in sight, or more than can be told apart.
std::vector<Tick> ticks_at(const std::vector<double> &values, const Scale &scale, Unit unit, double least_pixels);

} // namespace moescope::charts
