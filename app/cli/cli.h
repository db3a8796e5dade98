// The command line of moescope: moescope [FILE...], and the commands.
#pragma once

namespace moescope::cli {

// Runs a command, or opens the window where there is none. The program's exit code:
// 0 done, 1 a measurement or check failed, 2 the request was wrong.
int run(int argc, const char *const *argv);

} // namespace moescope::cli
