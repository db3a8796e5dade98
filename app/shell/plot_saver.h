// What becomes of a plot that somebody wants as a file: a name is asked for, and the next frame is read
// back into it.
#pragma once

#include "app/views/plot_area.h"

#include <filesystem>
#include <optional>
#include <string>

namespace moescope {

// The plot of a frame as a file of its format: PNG with two pixels a pixel. Errors: as write_png's.
Status write_plot(const PlotPlace &plot, PlotFormat format, const ImDrawData &frame, const Theme &theme, float scale,
                  const FontFiles &fonts, const std::filesystem::path &path);

class PlotSaver {
  public:
    Plots plots;

    void begin_frame() { plots.drawn.clear(); }
    // Asks for the file. folder: where it is suggested.
    void draw(const Theme &theme, float scale, const std::filesystem::path &folder);
    // The frame to be drawn must be of PlainShapes, and comes back to take().
    bool due() const { return due_; }
    void take(const ImDrawData &frame, const Theme &theme, float scale, const FontFiles &fonts);

  private:
    Plots::Wish wish_;
    std::string path_, outcome_;
    bool open_ = false, due_ = false, good_ = true;
};

} // namespace moescope
