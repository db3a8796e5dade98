// A compiler's log, read: what NVRTC says of a source, by line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct Diagnostic {
    enum class Severity : std::uint8_t { Remark, Warning, Error };
    std::string file;      // "scatter2scatter.jit.cu"; "" where the log names none (the linker, ptxas)
    std::int32_t line = 0; // from 1; 0: none
    std::int32_t column = 0; // from 1; 0: not told
    Severity severity = Severity::Error;
    std::string message;
    friend bool operator==(const Diagnostic &, const Diagnostic &) = default;
};
const char *name_of(Diagnostic::Severity severity);

// "FILE(LINE): error: MESSAGE", the line it quotes and the caret below, which gives the column.
std::vector<Diagnostic> parse_diagnostics(std::string_view log);

// "scatter2scatter.jit.cu:12:5: error: identifier "x" is undefined"
std::string sentence(const Diagnostic &diagnostic);

} // namespace moescope
