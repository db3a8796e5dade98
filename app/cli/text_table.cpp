#include "app/cli/text_table.h"

#include <algorithm>

namespace moescope::cli {

namespace {

std::string line_of(const std::vector<std::string> &cells, const std::vector<TextColumn> &columns,
                    const std::vector<std::size_t> &widths) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string_view cell =
            i < cells.size() ? std::string_view(cells[i]) : std::string_view();
        const std::string blanks(widths[i] - text_width(cell), ' ');
        line += i > 0 ? "  " : "";
        line += columns[i].align == Align::Left ? std::string(cell) + blanks
                                                : blanks + std::string(cell);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + '\n';
}

} // namespace

std::size_t text_width(std::string_view text) {
    return std::size_t(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string text_table(const std::vector<TextColumn> &columns,
                       const std::vector<std::vector<std::string>> &rows) {
    std::vector<std::string> titles, rules;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        std::size_t width = text_width(columns[i].title);
        for (const auto &row : rows)
            width = std::max(width, i < row.size() ? text_width(row[i]) : 0);
        widths.push_back(width);
        titles.push_back(columns[i].title);
        rules.emplace_back(width, '-');
    }
    std::string text = line_of(titles, columns, widths) + line_of(rules, columns, widths);
    for (const auto &row : rows)
        text += line_of(row, columns, widths);
    return text;
}

} // namespace moescope::cli
