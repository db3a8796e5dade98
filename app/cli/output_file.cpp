#include "app/cli/output_file.h"

#include <cctype>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fstream>
#include <string>
#include <system_error>
#include <unistd.h>

namespace moescope::cli {

namespace fs = std::filesystem;

namespace {

Error refuse(std::string_view option, const fs::path &path, std::string_view why,
             std::string_view remedy) {
    return {fmt::format("{} is \"{}\"", option, path.string()), std::string(why),
            std::string(remedy)};
}

bool is_database(const fs::path &path) {
    constexpr std::string_view kMagic = "SQLite format 3";
    std::ifstream file(path, std::ios::binary);
    std::string head(kMagic.size(), '\0');
    file.read(head.data(), std::streamsize(head.size()));
    return file.gcount() == std::streamsize(head.size()) && head == kMagic;
}

} // namespace

fs::path default_session_name(std::string_view model) {
    std::string name;
    for (const char c : model.substr(0, 60))
        name += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' ? c : '_';
    const std::string stem =
        fmt::format("moescope-{}-{:%Y%m%d-%H%M%S}", name, fmt::localtime(std::time(nullptr)));
    fs::path path = stem + ".moescope";
    std::error_code problem;
    for (int number = 2; fs::exists(path, problem); ++number)
        path = fmt::format("{}-{}.moescope", stem, number);
    return path;
}

Status check_output(std::string_view option, const fs::path &path) {
    std::error_code problem;
    if (path.empty())
        return refuse(option, path, "it must name a file", "");
    if (fs::is_directory(path, problem))
        return refuse(option, path, "that is a folder", "name a file in it");
    if (fs::exists(path, problem) && !fs::is_regular_file(path, problem))
        return refuse(option, path, "that is not a plain file", "choose another name");
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, problem))
        return refuse(option, path, fmt::format("there is no folder {}", folder.string()),
                      "make it, or choose another");
    if (access(folder.c_str(), W_OK) != 0 ||
        (fs::exists(path, problem) && access(path.c_str(), W_OK) != 0))
        return refuse(option, path, "it may not be written", "choose another place");
    return {};
}

Status check_session_output(std::string_view option, const fs::path &path) {
    if (const Status status = check_output(option, path); !status)
        return status;
    std::error_code problem;
    if (fs::exists(path, problem) && fs::file_size(path, problem) > 0 && !is_database(path))
        return refuse(option, path, "a file that is no session is there",
                      "choose another name or remove it");
    return {};
}

} // namespace moescope::cli
