// Machine code beside its source: what nvdisasm -g prints, by instruction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct SassLine {
    std::uint64_t offset = 0; // of the instruction in its kernel
    std::string text;         // "IMAD.WIDE.U32 R2, R5, 0x4, R2"; a label: ".L_x_0:"
    std::string file;         // without folder; "" where the compiler did not say
    std::int32_t line = 0;    // from 1; 0: not said
    bool label = false;
    friend bool operator==(const SassLine &, const SassLine &) = default;
};

// The instructions of the listing in order, each with the innermost source line it came from.
std::vector<SassLine> parse_sass(std::string_view listing);

} // namespace moescope
