#include "profiler/source/sass.h"

#include <charconv>
#include <optional>

namespace moescope {

namespace {

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t\r;") - first + 1);
}

struct Place {
    std::string file;
    std::int32_t line = 0;
};

// //## File "/folder/kernel.cu", line 12 inlined at "/folder/kernel.cu", line 40
std::optional<Place> parse_place(std::string_view line) {
    constexpr std::string_view kFile = "//## File \"", kLine = "\", line ";
    if (!line.starts_with(kFile))
        return std::nullopt;
    line.remove_prefix(kFile.size());
    const std::size_t end = line.find(kLine);
    if (end == std::string_view::npos)
        return std::nullopt;
    const std::string_view path = line.substr(0, end), number = line.substr(end + kLine.size());
    Place place{std::string(path.substr(path.rfind('/') + 1)), 0};
    std::from_chars(number.data(), number.data() + number.size(), place.line);
    return place;
}

// /*0040*/   ULDC.64 UR4, c[0x0][0x208] ;
std::optional<SassLine> parse_instruction(std::string_view line) {
    const std::size_t close = line.find("*/");
    if (!line.starts_with("/*") || close == std::string_view::npos)
        return std::nullopt;
    SassLine found;
    const char *end = line.data() + close;
    if (std::from_chars(line.data() + 2, end, found.offset, 16).ptr != end || close == 2)
        return std::nullopt;
    found.text = trimmed(line.substr(close + 2));
    if (found.text.empty())
        return std::nullopt;
    return found;
}

} // namespace

std::vector<SassLine> parse_sass(std::string_view listing) {
    std::vector<SassLine> lines;
    Place place;
    bool inner = false; // the line before was a place too: this one is its caller
    while (!listing.empty()) {
        const std::size_t end = listing.find('\n');
        const std::string_view line = trimmed(listing.substr(0, end));
        listing.remove_prefix(end == std::string_view::npos ? listing.size() : end + 1);
        if (auto found = parse_place(line)) {
            if (!inner)
                place = std::move(*found);
            inner = true;
            continue;
        }
        inner = false;
        if (auto instruction = parse_instruction(line)) {
            instruction->file = place.file;
            instruction->line = place.line;
            lines.push_back(std::move(*instruction));
        } else if (line.starts_with(".L_") && line.ends_with(":")) {
            SassLine &label = lines.emplace_back();
            label.text = line;
            label.label = true;
        }
    }
    return lines;
}

} // namespace moescope
