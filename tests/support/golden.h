// Golden files: tests/profiler/export/golden. MOESCOPE_UPDATE_GOLDEN=1 rewrites them, and then the
// test fails, so that an update is never mistaken for a pass.
#pragma once

#include <string>

namespace moescope::test {

// "" if `actual` is the golden file's text; else what to look at.
std::string compare_with_golden(const std::string &name, const std::string &actual);

} // namespace moescope::test
