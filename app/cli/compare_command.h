// moescope compare.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace moescope::cli {

struct CompareArguments {
    std::vector<std::string> files;
    std::optional<std::string> threshold, run, ops, variants;
    bool json = false;
};

void add_compare_options(CLI::App &command, CompareArguments &arguments);

// Prints what changed. 0: nothing slower beyond the threshold; 1: something is, or fails now.
int compare_command(const CompareArguments &arguments);

} // namespace moescope::cli
