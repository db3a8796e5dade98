// Where this window's live session is kept as it grows. Its folder holds nothing else: an installation's recorded
// sessions may lie beside it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace moescope {

// ~/.local/share/moescope/live, or where XDG_DATA_HOME says; empty without a home.
std::filesystem::path own_sessions_folder();
// A name for one that begins now: 2026-11-21-161800-4711.moescope.
std::string own_session_name();
// Whether a file is named so, with the host's name where it was measured behind ssh.
bool is_own_session(const std::filesystem::path &file);
// Makes the folder and deletes the oldest of ours, so that with one more there are at most `kept`. Other files in it
// are left alone. Where the next one is to be kept; empty without a folder.
std::filesystem::path next_own_session(const std::filesystem::path &folder, std::size_t kept);

} // namespace moescope
