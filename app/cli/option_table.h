// The command line's options as data: what completions and the manual are made from.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace moescope::cli {

enum class ValueKind { None, Text, Choice, List, File, Folder, Host }; // List: choices with commas between

struct OptionRow {
    std::vector<std::string> names; // "--help", "-h"; none for a positional
    std::string value;              // "FILE", as --help shows it; "" for a flag
    bool value_optional = false;
    std::string help, group;
    ValueKind kind = ValueKind::None;
    std::vector<std::string> choices;
};

struct CommandRow {
    std::string name, help; // "" is moescope itself: the window
    std::vector<OptionRow> options, positionals;
};

struct OptionTable {
    CommandRow window;
    std::vector<CommandRow> commands;
};

OptionTable option_table(const CLI::App &app);

// Values an option takes, where there is a list of them; a name that no option has is a mistake that
// the tests find.
struct KnownValues {
    std::string option; // "--theme"; of a positional "SHELL"
    std::vector<std::string> values;
    bool list = false; // several, with commas between
    bool file = false; // or a file
};
std::vector<KnownValues> known_values();

} // namespace moescope::cli
