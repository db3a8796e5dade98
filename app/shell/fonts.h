// The window's fonts: a proportional system font found through fontconfig and drawn by FreeType, at
// two sizes; ImGui's built-in font where the machine has none.
#pragma once

#include <imgui.h>

#include <string>

namespace moescope {

// Their places in the atlas.
inline constexpr int kBodyFont = 0, kSmallFont = 1, kBoldFont = 2, kCodeFont = 3;
// Size of a font's em in pixels at 1x.
float em_pixels(int font);
// The signs that are loaded: pairs of first and last, ended by 0. Another one would be drawn as a box.
const ImWchar *glyph_ranges();

struct FontFiles {
    std::string regular, bold, fixed; // paths; "" where none is installed
    std::string family;        // "DejaVu Sans", "built-in"
};
// Inter, Noto Sans, DejaVu Sans, Liberation Sans and the like, the first that is installed.
FontFiles find_fonts();

// Replaces the atlas' fonts by body, small, bold and code (in this order, see app/views/ui.h) for a
// scale, and builds it. Digits are as wide as each other, so that columns of numbers line up. A
// file that cannot be used falls back to the built-in font.
void build_fonts(ImFontAtlas &atlas, const FontFiles &files, float scale);

} // namespace moescope
