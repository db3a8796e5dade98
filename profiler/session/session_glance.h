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
    bool ranks = false;              // a run is one of several ranks
};

// Errors: no session file, or one without our tables.
Result<SessionGlance> glance_at_session(const std::filesystem::path &path);

} // namespace moescope
