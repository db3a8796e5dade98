// A program run to its end, with what it is given and what it says.
#pragma once

#include "profiler/base/result.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct ProgramEnd {
    int exit_status = -1; // -1: ended by a signal
    std::string output, error;
};

// next_input gives its standard input piece by piece, "" at the end. Once `cancelled` is set, or it ran for longer
// than `limit`, it is ended and that is the error. Blocks; call it off the window's thread. Errors: as ChildProcess.
Result<ProgramEnd> run_to_end(const std::vector<std::string> &argv, const std::function<std::string()> &next_input,
                              const std::atomic<bool> *cancelled = nullptr,
                              std::optional<std::chrono::seconds> limit = std::nullopt);

} // namespace moescope
