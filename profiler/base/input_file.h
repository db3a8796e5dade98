// Files that are read: one sentence for what stops it.
#pragma once

#include "profiler/base/result.h"

#include <filesystem>
#include <string>

namespace moescope {

Error cannot_read(const std::filesystem::path &path, std::string why, std::string remedy);

// That it is there and a regular file; `name_one` is the remedy where it is another kind of thing.
Status check_regular_file(const std::filesystem::path &path, std::string name_one);

} // namespace moescope
