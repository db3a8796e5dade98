// Where a kernel's warps waited, by source line: PC samples added up.
#pragma once

#include "profiler/session/session.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moescope {

struct LineHeat {
    std::uint64_t samples = 0;
    std::vector<std::pair<std::string, std::uint64_t>> stalls; // most samples first
};

struct SourceHeat {
    std::map<std::int32_t, LineHeat> lines; // of the file asked for
    std::uint64_t most = 0;                 // on one of them
    std::uint64_t total = 0;                // of the kernel, in all files and without a line
};

// Of one kernel ("": all) of a measurement in one file, named with or without its folder.
SourceHeat heat_by_line(const Session &session, MeasurementId measurement, std::string_view kernel,
                        std::string_view file);

} // namespace moescope
