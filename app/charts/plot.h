// One chart with two axes, drawn at once. Habits: drag to pan, wheel to zoom at the cursor, right
// drag to zoom on a box, double click to fit, click on the legend to hide, hover to read.
#pragma once

#include "app/charts/scale.h"
#include "app/theme.h"
#include "profiler/explain/evidence.h"

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace moescope::charts {

// What a chart remembers between frames. An empty range fits the data.
struct PlotState {
    std::optional<Range> x, y;
    std::set<std::string, std::less<>> hidden; // series, by the legend
    std::optional<ImVec2> box_start;           // of a right drag, in pixels

    bool shows(std::string_view series) const { return !hidden.contains(series); }
};

struct AxisSpec {
    std::string title;   // with what it measures; the unit is in the labels
    std::string explain; // on hover
    std::optional<Evidence> evidence = {}; // how what it measures came about
    Unit unit = Unit::Number;
    bool log = false;
    bool movable = true;  // pans and zooms
    bool labelled = true; // false: the caller labels it (categories)
    Range fit;            // what "fit" shows
    std::vector<double> values = {}; // measured ones, ticked in place of round numbers
};

struct PlotSpec {
    AxisSpec x, y;
    float left_margin = 0; // pixels kept for the y labels, 0: as wide as they are
};

// A chart being drawn: its frame, its scales and the pointer. Clip to the frame between begin and
// end.
struct Plot {
    ImVec2 low, high; // corners of the frame, in pixels
    Scale x, y;
    bool hovered = false; // the pointer is in the frame
    bool clicked = false; // released without having been dragged
    ImVec2 mouse;
    ImDrawList *draw = nullptr;

    ImVec2 at(double x_value, double y_value) const {
        return {float(x.to_pixel(x_value)), float(y.to_pixel(y_value))};
    }
};

// Takes size pixels at the cursor. Pair with end_plot.
Plot begin_plot(const char *id, ImVec2 size, const PlotSpec &spec, PlotState &state,
                const Theme &theme, float scale);
void end_plot(Plot &plot, const PlotState &state, const Theme &theme);

struct LegendEntry {
    std::string name;
    ImVec4 colour;
    std::string explain;
    Evidence evidence = Evidence::Measured; // of the series' numbers
};
// A row of swatches with names; a click hides or shows a series.
void legend(std::span<const LegendEntry> entries, PlotState &state, const Theme &theme);

} // namespace moescope::charts
