// moescope run and moescope tune.
#pragma once

#include "app/cli/plan_options.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace moescope::cli {

struct RunOptions {
    PlanOptions plan;
    std::optional<std::string> remote, out, append, picture, max_candidates, list_size;
    bool json = false;
};

void add_run_options(CLI::App &command, RunOptions &options);
void add_tune_options(CLI::App &command, RunOptions &options);

// Prints the results and gives the exit code.
int run_command(const RunOptions &options, Purpose purpose);

} // namespace moescope::cli
