// The window's frames without a display: the same code, driven by made-up mouse and keyboard events, each
// frame with what it cost before anything is rasterised.
#pragma once

#include "app/render/own_context.h"
#include "app/shell/shell.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moescope::bench {

struct FrameCost {
    double cpu_ms = 0; // of the window's thread, NewFrame to Render
    int vertices = 0;
    std::uint64_t records = 0; // elements of the session and its index looked at
};

// Of a view: its first frame by itself, the others together.
struct ViewCost {
    std::string view;
    FrameCost first, worst;
    double median_ms = 0, p99_ms = 0;
    std::size_t frames = 0;
};

class FrameDesk {
  public:
    FrameDesk(int width, int height);

    Shell &shell() { return shell_; }
    FrameCost frame();
    // Frames until the file is open and everything that is made in the background is there: the wall
    // time to the first frame that shows the session, and to the last.
    struct Opening {
        double shown_ms = 0, whole_ms = 0;
    };
    Opening open(const std::filesystem::path &file);
    // A view in the middle of the window: hovered all over, zoomed in and out, in `frames` frames or so.
    ViewCost cost_of(ViewId view);
    // The window as it opens: two views side by side.
    ViewCost cost_of_window();
    std::int64_t pixels() const { return std::int64_t(width_) * height_; }

  private:
    ViewCost drive(std::string name, const Rect &pane, int wheel_turns);
    void settle();

    OwnContext context_;
    int width_, height_;
    Shell shell_;
};

} // namespace moescope::bench
