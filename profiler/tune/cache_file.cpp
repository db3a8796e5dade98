#include "profiler/tune/cache_file.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <utility>

namespace moescope {

std::filesystem::path cache_file(std::string_view name) {
    const std::pair<const char *, const char *> places[] = {
        {"MOESCOPE_CACHE_DIR", ""}, {"XDG_CACHE_HOME", "moescope"}, {"HOME", ".cache/moescope"}};
    for (const auto &[variable, below] : places)
        if (const char *folder = std::getenv(variable); folder && *folder)
            return std::filesystem::path(folder) / below / name;
    return {};
}

Status write_cache_file(const std::filesystem::path &path, std::string_view text) {
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);
    const std::filesystem::path temporary = fmt::format("{}.{}.tmp", path.string(), getpid());
    std::ofstream file(temporary);
    file << text;
    file.close();
    if (file)
        std::filesystem::rename(temporary, path, failed);
    if (!file || failed)
        return Error{fmt::format("{} could not be written", path.string()),
                     failed ? failed.message() : "the folder is not writable or the disk is full",
                     "set MOESCOPE_CACHE_DIR to a folder that is"};
    return {};
}

} // namespace moescope
