// The page's style, with the window's own colours in both themes.
#pragma once

#include "app/theme.h"

#include <string>

namespace moescope::report {

std::string style();
// The window's, as its file says; the built-in one where that cannot be read.
Theme theme_of(bool dark);

} // namespace moescope::report
