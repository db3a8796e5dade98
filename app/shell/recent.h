// The files opened lately, with what is there of them still.
#pragma once

#include <string>
#include <vector>

namespace moescope {

struct RecentFile {
    std::string path, name, folder; // folder: with ~ for the user's own
    bool there = false;
};

// In the same order; looks at the disk.
std::vector<RecentFile> recent_files(const std::vector<std::string> &paths);

} // namespace moescope
