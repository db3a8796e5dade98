// The page's style, with the window's own colours in both themes.
#pragma once

#include <string>

namespace moescope::report {

std::string style();

} // namespace moescope::report
