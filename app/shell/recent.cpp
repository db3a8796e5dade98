#include "app/shell/recent.h"

#include "profiler/base/assets.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace moescope {

namespace {

std::string short_folder(const std::filesystem::path &folder) {
    const char *home = std::getenv("HOME");
    const std::string text = folder.string(), own = home ? home : "";
    if (own.size() > 1 && text.rfind(own, 0) == 0 && (text.size() == own.size() || text[own.size()] == '/'))
        return "~" + text.substr(own.size());
    return text;
}

} // namespace

std::vector<RecentFile> recent_files(const std::vector<std::string> &paths) {
    std::vector<RecentFile> files;
    for (const std::string &path : paths) {
        const std::filesystem::path file(path);
        std::error_code problem;
        files.push_back({path, file.filename().string(), short_folder(file.parent_path()),
                         std::filesystem::is_regular_file(file, problem)});
    }
    return files;
}

std::vector<std::string> shipped_sessions() {
    std::error_code problem;
    std::vector<std::string> files;
    for (const auto &entry : std::filesystem::directory_iterator(find_asset("sessions"), problem))
        if (entry.path().extension() == ".moescope")
            files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace moescope
