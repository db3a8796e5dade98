// Completion scripts of the three usual shells, made from the table of options.
#pragma once

#include "app/cli/option_table.h"

namespace moescope::cli {

std::string bash_completions(const OptionTable &table);
std::string zsh_completions(const OptionTable &table);
std::string fish_completions(const OptionTable &table);

} // namespace moescope::cli
