// What a JSON library's exception says, without the library's own label before it.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace moescope {

// "[json.exception.parse_error.101] parse error at line 1" -> "parse error at line 1".
inline std::string json_reason(const std::exception &error) {
    const std::string_view text = error.what();
    const std::size_t end = text.find("] ");
    return std::string(text.starts_with("[json.exception") && end != std::string_view::npos ? text.substr(end + 2) : text);
}

} // namespace moescope
