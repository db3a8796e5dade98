// Files that appear complete or not at all: written as PATH.tmp, then renamed.
#pragma once

#include "profiler/base/result.h"

#include <filesystem>
#include <functional>
#include <iosfwd>

namespace moescope {

enum class Compression { None, Gzip };

// Errors name the path: unwritable, full disk.
Status replace_file(const std::filesystem::path &path, Compression compression,
                    const std::function<void(std::ostream &)> &write);

} // namespace moescope
