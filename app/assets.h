// Where the data that ships with the program is: catalogue, themes, recorded sessions.
#pragma once

#include <filesystem>

namespace moescope {

// MOESCOPE_ASSETS if set; else share/moescope/assets or assets beside or above the program; else the
// source tree it was built from. The folder may be missing: whoever reads a file says so.
std::filesystem::path assets_folder();

} // namespace moescope
