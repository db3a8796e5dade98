// moescope export: a session file into other programs' formats.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace moescope::cli {

struct ExportOptions {
    std::optional<std::string> file, chrome_trace, csv, telemetry, picture, report;
    std::optional<std::string> heuristic, of_operator, variants;
    std::optional<std::string> plot, out, theme, size, against;
};

void add_export_options(CLI::App &command, ExportOptions &options);
int export_command(const ExportOptions &options);

} // namespace moescope::cli
