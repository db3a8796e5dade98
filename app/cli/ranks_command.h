// moescope ranks: started once a rank by the user's own launcher; rank 0 writes what all measured.
#pragma once

#include "app/cli/plan_options.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace moescope::cli {

struct RanksOptions {
    PlanOptions plan;
    std::optional<std::string> meet, wait, out;
    bool json = false;
};

void add_ranks_options(CLI::App &command, RanksOptions &options);
int ranks_command(const RanksOptions &options);

} // namespace moescope::cli
