// moescope import: a trace of PyTorch's profiler into a session file.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace moescope::cli {

struct ImportOptions {
    std::optional<std::string> trace, out, append;
};

void add_import_options(CLI::App &command, ImportOptions &options);
int import_command(const ImportOptions &options);

} // namespace moescope::cli
