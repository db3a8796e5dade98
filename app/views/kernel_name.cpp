#include "app/views/kernel_name.h"

#include <cctype>

namespace moescope {

namespace {

bool in_identifier(char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) || letter == '_' || letter == '$';
}

} // namespace

std::string short_kernel_name(std::string_view name) {
    // The name ends at the first bracket that is not an anonymous namespace's own.
    constexpr std::string_view kAnonymous = "(anonymous namespace)::";
    std::size_t begin = 0, end = name.find_first_of("<(");
    while (end != std::string_view::npos && name.substr(end).starts_with(kAnonymous)) {
        begin = end + kAnonymous.size();
        end = name.find_first_of("<(", begin);
    }
    end = end == std::string_view::npos ? name.size() : end;
    std::size_t start = end;
    while (start > begin && in_identifier(name[start - 1]))
        --start;
    return start == end ? std::string(name) : std::string(name.substr(start, end - start));
}

} // namespace moescope
