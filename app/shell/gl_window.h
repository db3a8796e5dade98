// A GLFW window with an OpenGL 3.3 context and ImGui's backends, for one scope. ImGui works in
// framebuffer pixels everywhere, also where the system counts windows in other units.
#pragma once

#include "app/render/image.h"

#include <imgui.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct GLFWwindow;

namespace moescope {

class GlWindow {
  public:
    struct Options {
        int width = 1440, height = 900; // pixels at 1x
        bool exact = false;             // the size is in pixels as they are
        bool visible = true;
        const char *title = "MoEScope";
    };
    static Result<std::unique_ptr<GlWindow>> create(const Options &options);
    ~GlWindow();
    GlWindow(const GlWindow &) = delete;
    GlWindow &operator=(const GlWindow &) = delete;

    bool should_close() const;
    float content_scale() const;                          // 1, 1.5, 2
    void framebuffer_size(int &width, int &height) const; // pixels
    // Sleeps until something happens, at most so many seconds. True when something did.
    bool wait(double seconds);
    // Makes a sleeping wait() return; from any thread.
    static void wake();
    void begin_frame(std::optional<ImVec2> pointer = {}); // pointer: instead of the mouse
    void end_frame(const float background[4], bool show);
    Image read_pixels() const; // of the frame just drawn, before it is shown
    void upload_fonts();       // after the atlas was built anew
    std::function<void(std::vector<std::string>)> on_drop;
    std::function<void()> on_focus; // the window was given the keyboard

  private:
    GlWindow() = default;
    void listen();
    double pixels_per_unit() const;

    GLFWwindow *window_ = nullptr;
    bool imgui_ = false, glfw_backend_ = false, gl_backend_ = false;
    bool happened_ = true;
};

} // namespace moescope
