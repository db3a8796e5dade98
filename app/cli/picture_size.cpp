#include "app/cli/picture_size.h"

#include "app/cli/numbers.h"

#include <fmt/format.h>

namespace moescope::cli {

Status read_size(const std::optional<std::string> &text, int &width, int &height) {
    if (!text)
        return {};
    const std::size_t cross = text->find('x');
    if (cross == std::string::npos)
        return Error{
            fmt::format("--size is \"{}\"", *text), "it must be WIDTHxHEIGHT, as in 1440x900", {}};
    const auto wide = parse_integer("--size", text->substr(0, cross), 320, 16384);
    const auto high = parse_integer("--size", text->substr(cross + 1), 320, 16384);
    if (!wide || !high)
        return Error{
            fmt::format("--size is \"{}\"", *text), "each side must be 320..16384 pixels", {}};
    width = int(*wide);
    height = int(*high);
    return {};
}

} // namespace moescope::cli
