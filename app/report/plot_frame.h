// The frame of a plot with two axes in SVG: grid, ticks and titles.
#pragma once

#include "app/charts/scale.h"
#include "profiler/export/svg.h"

#include <string>
#include <vector>

namespace moescope::report {

struct PlotAxis {
    std::string title;
    charts::Unit unit = charts::Unit::Number;
    charts::Range range;
    bool log = false;
    std::vector<double> values = {}; // measured ones, ticked in place of round numbers
};

class PlotFrame {
  public:
    PlotFrame(Svg &svg, Svg::Point low, Svg::Point high, const PlotAxis &x, const PlotAxis &y);

    Svg::Point at(double x, double y) const { return {x_.to_pixel(x), y_.to_pixel(y)}; }
    Svg::Point low() const { return low_; }
    Svg::Point high() const { return high_; }

  private:
    Svg::Point low_, high_;
    charts::Scale x_, y_;
};

} // namespace moescope::report
