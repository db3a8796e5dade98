// Plots that can be taken away: a right click on one offers it as PNG, as SVG and its data as CSV.
#pragma once

#include "app/render/drawing.h"
#include "app/views/view_context.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

struct ImGuiWindow;

namespace moescope {

enum class PlotFormat { Png, Svg, Csv };
const char *extension_of(PlotFormat format); // ".png"

// Where a plot was drawn in this frame.
struct PlotPlace {
    std::string name;  // "roofline": of its view's plots, for files and the command line
    std::string title; // what screen readers say
    DrawnRect area;
    const ImGuiWindow *window = nullptr;
    std::string csv; // where Plots asks for data
};

// The plots of a frame and what was chosen in a plot's menu. The shell has one.
struct Plots {
    std::vector<PlotPlace> drawn; // in this frame so far
    bool with_data = false;       // each with its CSV
    struct Wish {
        std::string name;
        PlotFormat format = PlotFormat::Png;
    };
    std::optional<Wish> wish; // chosen in this frame
};

// A plot with its legend: all that is drawn while it lives.
class PlotArea {
  public:
    // csv: the plot's data, asked for only when somebody wants them.
    PlotArea(const ViewContext &context, std::string name, std::string title, std::function<std::string()> csv);
    ~PlotArea();
    PlotArea(const PlotArea &) = delete;
    PlotArea &operator=(const PlotArea &) = delete;

  private:
    void offer(const DrawnRect &area);

    const ViewContext &context_;
    PlotPlace place_;
    std::function<std::string()> csv_;
};

// What a frame drew of a plot. Made with PlainShapes.
Drawing drawing_of(const PlotPlace &plot, const ImDrawData &frame, const Theme &theme, float scale);

} // namespace moescope
