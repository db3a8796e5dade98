// The command line of moescope: moescope [FILE...], and the commands.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace moescope::cli {

// What the window is to show; empty or zero: as the window left it last time.
struct WindowRequest {
    std::vector<std::filesystem::path> files;
    std::string remote, view, theme;
    float scale = 0;
    int width = 0, height = 0;
    std::filesystem::path screenshot; // write this PNG and leave
    int frames = 20;                  // drawn before it is taken
};

// Runs a command, or the window through `open_window` where there is none. The program's exit code:
// 0 done, 1 a measurement or check failed, 2 the request was wrong.
int run(int argc, const char *const *argv,
        const std::function<int(const WindowRequest &)> &open_window);

} // namespace moescope::cli
