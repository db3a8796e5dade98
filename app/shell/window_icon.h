// The picture of the window in lists of windows, for a display where no desktop entry tells it.
#pragma once

struct GLFWwindow;

namespace moescope {

// On X11, in several sizes, from the assets or the installed icons; without them nothing is changed.
void set_window_icon(GLFWwindow *window);

} // namespace moescope
