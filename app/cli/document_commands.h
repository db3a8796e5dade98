// moescope completions SHELL, moescope manual: what an installation puts beside the program.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace moescope::cli {

int completions_command(const CLI::App &app, const std::optional<std::string> &shell);
int manual_command(const CLI::App &app);

} // namespace moescope::cli
