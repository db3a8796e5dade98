#include "app/cli/say.h"

#include <cstdio>
#include <string>

namespace moescope::cli {

void say(std::string_view line) { std::fprintf(stderr, "%.*s\n", int(line.size()), line.data()); }

void show(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

int complain(const Error &error, ExitCode code) {
    say("moescope: " + error.sentence());
    return code;
}

} // namespace moescope::cli
