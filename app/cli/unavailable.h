// What the command line will do and does not do yet: it says so instead of pretending.
#pragma once

#include "profiler/base/result.h"

#include <string>

namespace moescope::cli {

// "OPTION is not available yet: WHY; INSTEAD."
inline Error not_available(const std::string &option, const std::string &why,
                           const std::string &instead) {
    return {option + " is not available yet", why, instead};
}

} // namespace moescope::cli
