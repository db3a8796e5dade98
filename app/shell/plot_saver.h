// What becomes of a plot that somebody wants as a file: a name is asked for, and a frame is read back into
// it.
#pragma once

#include "app/views/file_question.h"
#include "app/views/plot_area.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moescope {

// The plot of a frame as a file of its format: PNG with two pixels a pixel. Errors: as write_png's.
Status write_plot(const PlotPlace &plot, PlotFormat format, const ImDrawData &frame, const Theme &theme, float scale,
                  const FontFiles &fonts, const std::filesystem::path &path);

class PlotSaver {
  public:
    Plots plots;

    void begin_frame() { seen_ = std::exchange(plots.drawn, {}); }
    // Of the frame before: whether there was a plot, and its first one wished for as a file.
    bool any() const { return !seen_.empty(); }
    void wish_first(PlotFormat format) { plots.wish = Plots::Wish{seen_.front().name, format}; }
    // Where to, once for each wish. folder: where it is suggested.
    std::optional<FileQuestion> question(const std::filesystem::path &folder);
    void save_as(std::string path);
    // The frame to be drawn must be of PlainShapes, and comes back to take().
    bool due() const { return !path_.empty(); }
    // The path of what was written.
    Result<std::string> take(const ImDrawData &frame, const Theme &theme, float scale, const FontFiles &fonts);

  private:
    std::vector<PlotPlace> seen_;
    Plots::Wish wish_;
    std::string path_; // to be written
};

} // namespace moescope
