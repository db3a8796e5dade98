// Asks another program of the desktop something: its answer is what it prints.
#pragma once

#include "profiler/base/result.h"

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct ProgramAnswer {
    std::string end;    // how it ended: "exited with status 0"
    std::string output; // standard output
    bool good() const { return end == "exited with status 0"; }
};

// Errors: it cannot be started, it was asked to stop, or it took longer than the limit (and was ended).
Result<ProgramAnswer> ask_program(const std::vector<std::string> &argv, std::chrono::milliseconds limit,
                                  const std::stop_token &stop);

// Whether PATH has such a program.
bool has_program(std::string_view name);

} // namespace moescope
