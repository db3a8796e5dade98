// moescope metrics: what a chip can count, the sets there are, and what a choice costs.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace moescope::cli {

struct MetricsOptions {
    std::optional<std::string> chip, device, search, passes, remote;
    bool json = false;
};

void add_metrics_options(CLI::App &command, MetricsOptions &options);
int metrics_command(const MetricsOptions &options);

} // namespace moescope::cli
