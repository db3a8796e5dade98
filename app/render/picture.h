// Pictures of views without a display and without OpenGL.
#pragma once

#include "app/render/image.h"
#include "app/shell/settings.h"
#include "app/views/plot_area.h"
#include "app/views/view_context.h"
#include "profiler/crossover/map.h"

#include <string>
#include <vector>

namespace moescope {

struct PictureOptions {
    std::string view = "overview"; // a view's key, or "window": the whole window
    std::string theme = "dark";
    int width = 1440, height = 900; // pixels of the picture
    float scale = 1;                // of text and spacing
    RunId run; // which run of the session; not valid: as the window would choose
    Selection selection;
    SessionPtr other; // the comparison's second session
    MapChoice crossover; // the map that the crossover view shows
    Settings settings = {}; // what a window would remember; its theme is `theme`
};

// Draws a few frames (ImGui measures before it places) and keeps the last one. Errors: an unknown
// view, a size that is not 64..16384, a scale that is not 0.5..4.
Result<Image> draw_picture(SessionPtr session, const PictureOptions &options);
// The same into a PNG file.
Status render_picture(SessionPtr session, const std::filesystem::path &path,
                      const PictureOptions &options);

// One plot of the view as a file, drawn as the window draws it: PNG with two pixels a pixel, SVG with real
// text and lines, or its data. plot: "" for the view's first. Errors: the view shows no such plot; a file
// that cannot be written; draw_picture's.
Status save_plot(SessionPtr session, const std::filesystem::path &path, const PictureOptions &options,
                 const std::string &plot, PlotFormat format);

// Of a view, and what it shows.
struct PlotWish {
    std::string view;
    RunId run;
    MapChoice crossover;
};
struct DrawnPlot {
    std::string name, title; // PlotPlace's
    Drawing drawing;
};
// For each wish the plots of its view, none where the session has nothing for them. Nothing is selected in
// them, and options.view and .run do not matter. Errors: draw_picture's.
Result<std::vector<std::vector<DrawnPlot>>> draw_plots(SessionPtr session, const PictureOptions &options,
                                                       const std::vector<PlotWish> &wishes);

} // namespace moescope
