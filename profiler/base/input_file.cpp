#include "profiler/base/input_file.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace moescope {

Error cannot_read(const std::filesystem::path &path, std::string why, std::string remedy) {
    return {fmt::format("{} cannot be read", path.string()), std::move(why), std::move(remedy)};
}

Status check_regular_file(const std::filesystem::path &path, std::string name_one) {
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    if (status.type() == std::filesystem::file_type::not_found)
        return cannot_read(path, "there is no such file", "check its name");
    if (failed)
        return cannot_read(path, failed.message(), "check the path and its permissions");
    if (status.type() != std::filesystem::file_type::regular)
        return cannot_read(path, "it is not a regular file", std::move(name_one));
    return {};
}

} // namespace moescope
