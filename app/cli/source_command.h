// moescope source: a tile kernel's source as it is compiled, its machine code, what the compiler says of
// another text in its place, and how long that takes beside the original.
#pragma once

#include "app/cli/plan_options.h"

namespace moescope::cli {

struct SourceOptions {
    PlanOptions plan;
    std::optional<std::string> arch, kernel, file, out, compile, remote;
    bool sass = false, ptx = false, time = false, json = false;
};

void add_source_options(CLI::App &command, SourceOptions &options);
int source_command(const SourceOptions &options);

} // namespace moescope::cli
