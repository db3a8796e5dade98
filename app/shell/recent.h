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
// The recorded sessions that come with the program, by name.
std::vector<std::string> shipped_sessions();
// Of these sessions the recording of a model (the one that is named after it before others), else the newest; "" where
// there is none. tuned: only of those with tiles in them. Looks into the files.
std::string recording_for(const std::vector<std::string> &files, const std::string &model, bool tuned = false);

} // namespace moescope
