// The window's frames without a display: the same code, driven by made-up mouse and keyboard events, each
// frame with what it cost before anything is rasterised.
#pragma once

#include "app/render/own_context.h"
#include "app/shell/shell.h"

#include <atomic>
#include <cstdint>
#include <functional>
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
    // Frames before each of which act(i) is called, its cost among theirs: while it says so, and until
    // nothing is made in the background any more.
    ViewCost watch(std::string name, const std::function<bool(int)> &act);
    void resize(int width, int height);
    // With the fonts made anew.
    void rescale(float scale);
    int width() const { return width_; }
    int height() const { return height_; }

  private:
    FrameCost frame_after(const std::function<void()> &act);
    ViewCost drive(std::string name, const Rect &pane, int wheel_turns);
    bool working() const { return shell_.busy_with_file() || shell_.preparing(); }
    void settle();
    void rest();

    OwnContext context_;
    int width_, height_;
    std::atomic<bool> woken_ = false; // by another thread, since the last frame
    Shell shell_;
};

} // namespace moescope::bench
