// Paths that are about to be written, checked before work is spent on what goes into them.
#pragma once

#include "profiler/base/result.h"

#include <filesystem>
#include <string_view>

namespace moescope::cli {

// "moescope-Mixtral-8x7B-20261120-114500.moescope" in the working folder, by local time; a number
// is added where that file exists.
std::filesystem::path default_session_name(std::string_view model);

// Whether a file can be written there; what exists is replaced. The error names the option.
Status check_output(std::string_view option, const std::filesystem::path &path);
// The same; what exists and is not a database is not replaced.
Status check_session_output(std::string_view option, const std::filesystem::path &path);

} // namespace moescope::cli
