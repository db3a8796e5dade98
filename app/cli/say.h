// Where the command line's words go: results to standard output, everything else to standard error.
#pragma once

#include "profiler/base/result.h"

#include <string_view>

namespace moescope::cli {

enum ExitCode { kDone = 0, kFailed = 1, kWrongRequest = 2 };

void say(std::string_view line);  // standard error, with a line end
void show(std::string_view text); // standard output, as it is
// "moescope: SENTENCE" on standard error; gives the code back.
int complain(const Error &error, ExitCode code);

} // namespace moescope::cli
