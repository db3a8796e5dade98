// What the window remembers between starts: $XDG_CONFIG_HOME/moescope/settings.json.
#pragma once

#include "app/shell/layout.h"
#include "app/views/timeline_notes.h"
#include "profiler/workload/workload.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct Settings {
    std::string theme = "dark";     // name of a file in assets/themes
    int width = 1440, height = 900; // of the window, pixels at 1x
    float zoom = 1;                 // of everything, on top of the monitor's scale
    LayoutChoices layout;
    std::string first_view = "overview", second_view = "timeline";
    std::vector<std::string> recent; // session files, the newest first
    std::optional<Workload> workload;
    std::optional<std::vector<std::string>> operators; // that are ticked; none: nobody chose yet
    bool warm_cache = false;
    std::vector<std::string> counters;
    bool sample_counters = false, sample_instructions = false;
    bool toured = false; // the tour was shown
    std::string device;
    std::map<std::string, std::string> shortcuts; // that are not the standard ones, by action
    std::vector<std::string> hosts; // behind ssh, the one used last first
    std::vector<TimelineNotes> timeline_notes; // of the sessions looked at last
    std::vector<std::string> lessons_found;  // whose question is answered
    std::map<std::string, int> lesson_pages; // the page last read
    std::string lesson;                      // the one last opened
    bool operator==(const Settings &) const = default;
};

// $XDG_CONFIG_HOME/moescope/settings.json, or ~/.config/...; "" when neither is set.
std::filesystem::path settings_path();

// No file gives the defaults. A key of the wrong type or out of range is left at its default; a
// file that is not JSON is an error, for the caller to show and go on with the defaults.
Result<Settings> load_settings(const std::filesystem::path &path);
// Creates the folder; replaces the file in one step. Errors: unwritable path, full disk.
Status save_settings(const Settings &settings, const std::filesystem::path &path);

// Puts a file, or a host, first in the list of recent ones, once.
void remember(std::vector<std::string> &recent, const std::string &file);

} // namespace moescope
