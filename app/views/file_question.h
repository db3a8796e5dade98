// "Which file?": what a view asks, whoever answers it: the desktop's own dialog or the built-in one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace moescope {

struct FileQuestion {
    enum class Kind { Open, Save, Folder };
    Kind kind = Kind::Open;
    std::string title;           // "Open a session"
    std::filesystem::path start; // a folder, or a file in one; to save: the suggested name
    std::string what;            // of the files that fit: "Sessions"; "": all files
    std::vector<std::string> suffixes; // ".moescope"; none: every file fits
};

} // namespace moescope
