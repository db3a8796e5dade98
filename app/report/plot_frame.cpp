#include "app/report/plot_frame.h"

#include <algorithm>

namespace moescope::report {

PlotFrame::PlotFrame(Svg &svg, Svg::Point low, Svg::Point high, const PlotAxis &x,
                     const PlotAxis &y)
    : low_(low), high_(high), x_{x.range, low.x, high.x, x.log}, y_{y.range, high.y, low.y, y.log} {
    std::vector<charts::Tick> x_ticks = charts::ticks_at(x.values, x_, x.unit, 48);
    if (x_ticks.empty())
        x_ticks = charts::ticks(x.range, std::max(2, int((high.x - low.x) / 90)), x.unit, x.log);
    for (const charts::Tick &tick : x_ticks) {
        const double at = x_.to_pixel(tick.value);
        svg.line({at, low.y}, {at, high.y}, "class=\"grid\"");
        if (!tick.label.empty())
            svg.text({at, high.y + 16}, tick.label, Svg::Anchor::Middle, "class=\"m\"");
    }
    for (const charts::Tick &tick :
         charts::ticks(y.range, std::max(2, int((high.y - low.y) / 45)), y.unit, y.log)) {
        const double at = y_.to_pixel(tick.value);
        svg.line({low.x, at}, {high.x, at}, "class=\"grid\"");
        if (!tick.label.empty())
            svg.text({low.x - 8, at + 4}, tick.label, Svg::Anchor::End, "class=\"m\"");
    }
    svg.line({low.x, high.y}, {high.x, high.y}, "class=\"axis\"");
    svg.text({(low.x + high.x) / 2, high.y + 34}, x.title, Svg::Anchor::Middle, "class=\"m\"");
    svg.text({low.x, low.y - 10}, y.title, Svg::Anchor::Start, "class=\"m\"");
}

} // namespace moescope::report
