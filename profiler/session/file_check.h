// Is this a .moescope file at all? Decided from its first bytes, before SQLite sees it.
#pragma once

#include "profiler/base/result.h"

#include <filesystem>

namespace moescope {

// Errors: missing, a folder, unreadable, empty, not SQLite, another program's database, a newer
// schema, shorter than its own header says.
Status check_session_file(const std::filesystem::path &path);

} // namespace moescope
