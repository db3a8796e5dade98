// Colours and sizes of the window, from a theme file in assets/themes.
#pragma once

#include "profiler/base/result.h"

#include <imgui.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace moescope {

struct Theme {
    std::string name;
    bool dark = true;
    ImVec4 background, surface, raised, line, text, muted, accent, failure, warning, good;
    std::array<ImVec4, 8> series; // one colour means one variant everywhere
};

// Errors: unreadable file, not JSON, a missing or mistyped key, a colour that is not "#rrggbb".
Result<Theme> load_theme(const std::filesystem::path &file);
// The same from text; `origin` names it in errors.
Result<Theme> parse_theme(std::string_view json, const std::string &origin);
// What the window shows when no theme file can be read.
Theme built_in_theme(bool dark);
// Sets ImGui's style from the theme at a scale (1, 1.5, 2).
void apply(const Theme &theme, float scale);

// A theme colour as a draw list takes it, with its opacity multiplied by alpha.
ImU32 packed(const ImVec4 &colour, float alpha = 1.0f);
// a + (b - a) * t in every channel.
ImVec4 mix(const ImVec4 &a, const ImVec4 &b, float t);

} // namespace moescope
