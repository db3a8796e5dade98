// The options of the window, for moescope without a command.
#pragma once

#include "app/shell/window.h"
#include "profiler/base/result.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace moescope::cli {

struct WindowArguments {
    std::vector<std::string> files;
    std::optional<std::string> remote, view, theme, scale, size, screenshot, frames, actions, point, run;
};

void add_window_options(CLI::App &app, WindowArguments &arguments);
// Errors: a file that is not there (a misspelt command looks like one), a wrong number.
Result<WindowOptions> make_window_options(const WindowArguments &arguments,
                                          const std::vector<std::string> &commands);

} // namespace moescope::cli
