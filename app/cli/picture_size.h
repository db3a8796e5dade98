// WIDTHxHEIGHT in pixels, as --size takes it.
#pragma once

#include "profiler/base/result.h"

#include <optional>
#include <string>

namespace moescope::cli {

// Leaves both as they are where nothing was given. Each side: 320..16384.
Status read_size(const std::optional<std::string> &text, int &width, int &height);

} // namespace moescope::cli
