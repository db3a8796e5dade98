// Where the files of assets/ are: data a person may edit.
#pragma once

#include <filesystem>
#include <string_view>

namespace moescope {

// A file or folder of the assets, which may not exist. They are the folder MOESCOPE_ASSETS names if
// it is set; else assets beside or above the program, or share/moescope of its installation; else
// the source tree this was built from.
std::filesystem::path find_asset(std::string_view relative);

} // namespace moescope
