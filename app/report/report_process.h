// A report while a window is open.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/session.h"

#include <filesystem>
#include <stop_token>

namespace moescope {

// Has this program's `export --report` write it: drawing its plots takes seconds, and ImGui draws on one
// thread. For any thread. Errors: the program cannot be started, or does not write it.
Status write_report_elsewhere(const Session &session, const std::filesystem::path &path, const std::stop_token &stop);

} // namespace moescope
