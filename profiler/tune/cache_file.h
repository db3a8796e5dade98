// Small files that a worker keeps for the next one. They may be deleted at any time.
#pragma once

#include "profiler/base/result.h"

#include <filesystem>
#include <string_view>

namespace moescope {

// A file of $MOESCOPE_CACHE_DIR, $XDG_CACHE_HOME/moescope or $HOME/.cache/moescope; empty where there
// is no such folder.
std::filesystem::path cache_file(std::string_view name);

// Writes PATH.PID.tmp and renames it; makes the folder.
Status write_cache_file(const std::filesystem::path &path, std::string_view text);

} // namespace moescope
