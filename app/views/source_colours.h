// Light syntax colouring of CUDA C++, PTX and SASS lines.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace moescope {

struct CodePiece {
    enum class Kind : std::uint8_t { Plain, Keyword, Comment, String, Number, Directive };
    Kind kind = Kind::Plain;
    std::string_view text;
    friend bool operator==(const CodePiece &, const CodePiece &) = default;
};

// The line in pieces that add up to it. in_comment: whether a /* of an earlier line is still open; set for
// the next line.
std::vector<CodePiece> code_pieces(std::string_view line, bool &in_comment);

// Without line ends.
std::vector<std::string_view> lines_of(std::string_view text);

} // namespace moescope
