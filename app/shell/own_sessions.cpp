#include "app/shell/own_sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace moescope {

namespace fs = std::filesystem;

fs::path own_sessions_folder() {
    const char *data = std::getenv("XDG_DATA_HOME"), *home = std::getenv("HOME");
    if (data && *data == '/')
        return fs::path(data) / "moescope/live";
    return home && *home ? fs::path(home) / ".local/share/moescope/live" : fs::path();
}

std::string own_session_name() {
    char time[32] = {};
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    std::strftime(time, sizeof(time), "%Y-%m-%d-%H%M%S", &local);
    return fmt::format("{}-{}.moescope", time, getpid());
}

bool is_own_session(const fs::path &file) {
    constexpr std::string_view kTime = "0000-00-00-000000-";
    const std::string name = file.filename().string();
    const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
    if (file.extension() != ".moescope" || name.size() <= kTime.size() || !is_digit(name[kTime.size()]))
        return false;
    return std::equal(kTime.begin(), kTime.end(), name.begin(),
                      [&](char wanted, char c) { return wanted == '0' ? is_digit(c) : wanted == c; });
}

fs::path next_own_session(const fs::path &folder, std::size_t kept) {
    if (folder.empty())
        return {};
    std::error_code problem;
    fs::create_directories(folder, problem);
    std::vector<fs::path> own;
    for (const auto &entry : fs::directory_iterator(folder, problem))
        if (is_own_session(entry.path()))
            own.push_back(entry.path());
    std::sort(own.begin(), own.end());
    for (std::size_t i = 0; i + kept <= own.size(); ++i)
        fs::remove(own[i], problem);
    return folder / own_session_name();
}

} // namespace moescope
