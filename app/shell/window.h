// The real window: GLFW, OpenGL 3.3 and Dear ImGui.
#pragma once

#include "profiler/base/result.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moescope {

struct WindowOptions {
    std::vector<std::filesystem::path> files; // sessions to open; the first one is shown
    std::string remote;                       // --remote USER@HOST: the worker runs there
    std::string view;                         // --view: the first pane's; "": as last time
    int run = 0;                              // --run: of the first file, counted from 1; 0: as the window would choose
    std::string theme;                        // --theme dark|light; "": as last time
    float scale = 0;                          // --scale; 0: the monitor's
    int width = 0, height = 0;                // --size WxH in pixels; 0: as last time
    std::filesystem::path screenshot;         // --screenshot FILE.png: write it and leave; "": stay
    int frames = 20;                          // --frames: drawn before the screenshot is taken
    std::vector<std::string> actions;         // --do: ids of what is done first, as from the menus
    std::optional<std::pair<int, int>> point; // --point X,Y: where the pointer is for the screenshot
};

// Runs until the window is closed. Errors: no display, no OpenGL 3.3, an unknown view or theme, a run that
// the file does not have, a screenshot that cannot be written.
Status open_window(const WindowOptions &options);
// The same as a program's exit code: 0, or 1 (2 for a wrong option) with the error on stderr.
int run_window(const WindowOptions &options);

} // namespace moescope
