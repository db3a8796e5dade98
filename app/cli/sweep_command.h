// moescope sweep: the same plans along one parameter or several, in one session.
#pragma once

#include "app/cli/run_command.h"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace moescope::cli {

struct SweepOptions {
    RunOptions run;
    std::vector<std::string> axes;
};

void add_sweep_options(CLI::App &command, SweepOptions &options);

// Prints the results and gives the exit code; a point that fails does not end the sweep.
int sweep_command(const SweepOptions &options);

} // namespace moescope::cli
