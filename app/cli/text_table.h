// A table of text for a terminal: columns as wide as their widest cell.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::cli {

enum class Align { Left, Right };

struct TextColumn {
    std::string title;
    Align align = Align::Left;
};

// Two blanks between columns, a rule under the titles, no blanks at the ends of lines.
std::string text_table(const std::vector<TextColumn> &columns,
                       const std::vector<std::vector<std::string>> &rows);

// Characters, not bytes, of UTF-8 text.
std::size_t text_width(std::string_view text);

} // namespace moescope::cli
