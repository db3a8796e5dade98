// moescope remote: the hosts there are to choose from, what is on one of them, and the worker copied to it.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace moescope::cli {

struct RemoteOptions {
    std::optional<std::string> host;
    bool copy = false, json = false;
};

void add_remote_options(CLI::App &command, RemoteOptions &options);
int remote_command(const RemoteOptions &options);

} // namespace moescope::cli
