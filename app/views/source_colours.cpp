#include "app/views/source_colours.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace moescope {

namespace {

using Kind = CodePiece::Kind;

constexpr std::array<std::string_view, 52> kKeywords = {
    "__device__", "__forceinline__", "__global__", "__grid_constant__", "__host__", "__launch_bounds__", "__restrict__", "__shared__",
    "alignas", "asm", "auto", "bool", "break", "case", "char", "const", "constexpr", "continue", "default", "do", "double", "else", "enum",
    "extern", "false", "float", "for", "if", "inline", "int", "long", "namespace", "return", "short", "signed", "sizeof", "static",
    "static_assert", "struct", "switch", "template", "true", "typename", "uint16_t", "uint32_t", "uint64_t", "uint8_t", "unsigned",
    "using", "void", "volatile", "while"};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::size_t word_end(std::string_view line, std::size_t at) {
    while (at < line.size() && is_word(line[at]))
        ++at;
    return at;
}

std::size_t string_end(std::string_view line, std::size_t at) {
    const char quote = line[at++];
    while (at < line.size() && line[at] != quote)
        at += line[at] == '\\' ? 2 : 1;
    return std::min(at + 1, line.size());
}

std::size_t comment_end(std::string_view line, std::size_t from, bool &open) {
    const std::size_t end = line.find("*/", from);
    open = end == line.npos;
    return open ? line.size() : end + 2;
}

struct Found {
    Kind kind;
    std::size_t end;
};

Found piece_at(std::string_view line, std::size_t at, bool &in_comment) {
    const std::string_view rest = line.substr(at);
    if (in_comment)
        return {Kind::Comment, comment_end(line, at, in_comment)};
    if (rest.starts_with("//"))
        return {Kind::Comment, line.size()};
    if (rest.starts_with("/*"))
        return {Kind::Comment, comment_end(line, at + 2, in_comment)};
    if (rest.front() == '"' || rest.front() == '\'')
        return {Kind::String, string_end(line, at)};
    if (rest.front() == '#' && line.find_first_not_of(" \t") == at) {
        const std::size_t word = line.find_first_not_of(" \t", at + 1);
        return {Kind::Directive, word == line.npos ? line.size() : std::max(at + 1, word_end(line, word))};
    }
    if (!is_word(rest.front()))
        return {Kind::Plain, at + 1};
    const std::size_t end = word_end(line, at);
    if (std::isdigit(static_cast<unsigned char>(rest.front())) != 0)
        return {Kind::Number, end};
    return {std::ranges::binary_search(kKeywords, line.substr(at, end - at)) ? Kind::Keyword : Kind::Plain, end};
}

} // namespace

std::vector<CodePiece> code_pieces(std::string_view line, bool &in_comment) {
    std::vector<CodePiece> pieces;
    for (std::size_t at = 0; at < line.size();) {
        const Found found = piece_at(line, at, in_comment);
        const std::string_view text = line.substr(at, found.end - at);
        if (!pieces.empty() && pieces.back().kind == found.kind)
            pieces.back().text = {pieces.back().text.data(), pieces.back().text.size() + text.size()};
        else
            pieces.push_back({found.kind, text});
        at = found.end;
    }
    return pieces;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return lines;
}

} // namespace moescope
