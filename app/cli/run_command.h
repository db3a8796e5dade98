// moescope run and moescope tune.
#pragma once

#include "app/cli/plan_options.h"
#include "app/render/picture.h"
#include "profiler/session/session.h"

#include <CLI/CLI.hpp>

#include <filesystem>
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

// What run, tune and sweep share: where the worker is, where the session goes, what it continues.
void add_common_options(CLI::App &command, RunOptions &options);
struct Place {
    std::filesystem::path out;
    SessionPtr earlier; // what --append continues
};
Result<Place> check_place(const RunOptions &options, const std::string &model);
// The --picture; what fails is told, and false.
bool draw_asked(const RunOptions &options, const SessionPtr &session, const PictureOptions &picture);
void say_where(const std::filesystem::path &out);

// Prints the results and gives the exit code. With --device cuda:all the plan runs on every GPU in turn.
int run_command(const RunOptions &options, Purpose purpose);

} // namespace moescope::cli
