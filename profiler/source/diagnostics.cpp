#include "profiler/source/diagnostics.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

namespace moescope {

namespace {

constexpr std::size_t kQuoteIndent = 2; // of the source lines that NVRTC quotes

std::string_view next_line(std::string_view &text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::optional<Diagnostic::Severity> take_severity(std::string_view &rest) {
    using Severity = Diagnostic::Severity;
    constexpr std::pair<std::string_view, Severity> kWords[] = {{"catastrophic error", Severity::Error},
                                                                {"fatal error", Severity::Error},
                                                                {"error", Severity::Error},
                                                                {"warning", Severity::Warning},
                                                                {"remark", Severity::Remark}};
    for (const auto &[word, severity] : kWords) {
        if (!rest.starts_with(word))
            continue;
        const std::string_view after = rest.substr(word.size());
        // "error: ", "warning #177-D: "
        const std::size_t colon = after.find(": ");
        if (colon == std::string_view::npos || (colon > 0 && !after.starts_with(" #")))
            continue;
        rest = after.substr(colon + 2);
        return severity;
    }
    return std::nullopt;
}

// "FILE(LINE): error: MESSAGE"
std::optional<Diagnostic> parse_head(std::string_view line) {
    const std::size_t close = line.find("): ");
    const std::size_t open = close == std::string_view::npos ? close : line.rfind('(', close);
    if (open == std::string_view::npos || open == 0)
        return std::nullopt;
    Diagnostic found;
    const char *end = line.data() + close;
    if (std::from_chars(line.data() + open + 1, end, found.line).ptr != end || close == open + 1)
        return std::nullopt;
    std::string_view rest = line.substr(close + 3);
    const auto severity = take_severity(rest);
    if (!severity)
        return std::nullopt;
    found.file = line.substr(0, open);
    found.severity = *severity;
    found.message = rest;
    return found;
}

// "ptxas error   : MESSAGE", "nvrtc: error: MESSAGE": of no line.
std::optional<Diagnostic> parse_tool(std::string_view line) {
    for (const std::string_view tool : {"ptxas error", "ptxas fatal", "nvrtc: error"}) {
        if (!line.starts_with(tool))
            continue;
        const std::size_t colon = line.find(": ", tool.size() - 1);
        Diagnostic found;
        found.message = colon == std::string_view::npos ? line : line.substr(colon + 2);
        return found;
    }
    return std::nullopt;
}

} // namespace

const char *name_of(Diagnostic::Severity severity) {
    switch (severity) {
    case Diagnostic::Severity::Remark:
        return "remark";
    case Diagnostic::Severity::Warning:
        return "warning";
    case Diagnostic::Severity::Error:
        break;
    }
    return "error";
}

std::vector<Diagnostic> parse_diagnostics(std::string_view log) {
    std::vector<Diagnostic> all;
    while (!log.empty()) {
        const std::string_view line = next_line(log);
        if (auto head = parse_head(line)) {
            all.push_back(std::move(*head));
            continue;
        }
        if (auto tool = parse_tool(line)) {
            all.push_back(std::move(*tool));
            continue;
        }
        const std::size_t caret = line.find_first_not_of(" \t");
        if (!all.empty() && all.back().line > 0 && all.back().column == 0 && caret != line.npos &&
            line.substr(caret) == "^" && caret >= kQuoteIndent)
            all.back().column = std::int32_t(caret - kQuoteIndent) + 1;
    }
    return all;
}

std::string sentence(const Diagnostic &d) {
    std::string where = d.file;
    if (d.line > 0)
        where += fmt::format(":{}", d.line);
    if (d.column > 0)
        where += fmt::format(":{}", d.column);
    return fmt::format("{}{}{}: {}", where, where.empty() ? "" : ": ", name_of(d.severity), d.message);
}

} // namespace moescope
