// The words of a frame, read back from its glyphs: what the window really says, whoever drew it.
#pragma once

#include <imgui.h>

#include <string>
#include <vector>

namespace moescope {

struct DrawnText {
    std::string text; // UTF-8; words on one line with usual gaps between them are one text
    ImVec4 rect;      // x0, y0, x1, y1 in pixels
};

// Glyphs that are clipped away are not there.
std::vector<DrawnText> drawn_text(const ImDrawData &frame, const ImFontAtlas &atlas);

} // namespace moescope
