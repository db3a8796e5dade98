#include "tests/support/golden.h"

#include "tests/support/temporary_folder.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace moescope::test {

namespace {

// The first line that differs, of both.
std::string first_difference(const std::string &expected, const std::string &actual) {
    std::istringstream a(expected), b(actual);
    std::string line_a, line_b;
    for (int line = 1;; ++line) {
        const bool has_a = bool(std::getline(a, line_a)), has_b = bool(std::getline(b, line_b));
        if (has_a != has_b || line_a != line_b)
            return "line " + std::to_string(line) + "\n  golden: " + (has_a ? line_a : "(end)") +
                   "\n  actual: " + (has_b ? line_b : "(end)");
        if (!has_a)
            return "only line ends differ";
    }
}

} // namespace

std::string compare_with_golden(const std::string &name, const std::string &actual) {
    const std::filesystem::path path =
        std::filesystem::path(MOESCOPE_TEST_DATA) / "profiler" / "export" / "golden" / name;
    const char *update = std::getenv("MOESCOPE_UPDATE_GOLDEN");
    if (update && std::string(update) == "1") {
        std::filesystem::create_directories(path.parent_path());
        write_bytes(path, actual);
        return "updated " + path.string() +
               ": look at the difference, then run the test without "
               "MOESCOPE_UPDATE_GOLDEN";
    }
    const std::string expected = read_bytes(path);
    if (expected == actual)
        return "";
    return path.string() + " differs at " + first_difference(expected, actual) +
           "\n(if that is meant, run once with MOESCOPE_UPDATE_GOLDEN=1)";
}

} // namespace moescope::test
