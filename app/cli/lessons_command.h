// moescope lessons: what there is to learn, and whether a lesson file is one.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace moescope::cli {

struct LessonsOptions {
    std::optional<std::string> check; // a lesson file
    bool facts = false; // what an expression can name
    bool json = false;
};

void add_lessons_options(CLI::App &command, LessonsOptions &options);
int lessons_command(const LessonsOptions &options);

} // namespace moescope::cli
