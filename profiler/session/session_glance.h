// What a session file is about, without reading all of it: to choose one among many.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace moescope {

struct SessionGlance {
    std::vector<std::string> models; // of its runs, in their order
    std::int64_t started_ns = 0;     // the last run
    bool tuned = false;              // there are tile candidates in it
    std::string device = {};         // the first run's: "NVIDIA H200", "cpu"
    std::int32_t ranks = 0;          // that ran together; 0: none did
};

// Errors: no session file, or one without our tables.
Result<SessionGlance> glance_at_session(const std::filesystem::path &path);

} // namespace moescope
