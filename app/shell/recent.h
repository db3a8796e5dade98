// The files opened lately, with what is there of them still.
#pragma once

#include "profiler/session/session_glance.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct RecentFile {
    std::string path, name, folder; // folder: with ~ for the user's own
    bool there = false;
    std::string what = {}; // is in it, where that is known
};

// "OLMoE-1B-7B on NVIDIA H200, 32 runs", "Mixtral-8x7B on cpu, tiles tuned"; without the model where the file is named
// after it; "" for an empty one.
std::string summary_of(const SessionGlance &glance, std::string_view file_name);

// In the same order; looks at the disk.
std::vector<RecentFile> recent_files(const std::vector<std::string> &paths);
// The recorded sessions that come with the program, by name.
std::vector<std::string> shipped_sessions();
// Of these sessions the recording of a model, else of another one: the one that is named after it before others, and
// the newest of several; "" where there is none. fills: only of those for which it is true. Looks into the files.
std::string recording_for(const std::vector<std::string> &files, const std::string &model,
                          const std::function<bool(const SessionGlance &)> &fills = {});

} // namespace moescope
