// Colours and sizes of the window, from a theme file in assets/themes.
#pragma once

#include "profiler/base/result.h"

#include <imgui.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct Theme {
    std::string name;
    bool dark = true;
    bool high_contrast = false; // controls get outlines
    float least_contrast() const { return high_contrast ? 7.0f : 4.5f; } // of words and their ground (WCAG 2)
    ImVec4 background, surface, raised, line, grid, text, muted, accent, failure, warning, good;
    std::array<ImVec4, 8> series; // one colour means one variant everywhere
    std::vector<ImVec4> scale = {{0, 0, 0, 1}, {1, 1, 1, 1}}; // magnitudes; the last stands out most
};

// Errors: unreadable file, not JSON, a missing, mistyped or unknown key, a colour that is not "#rrggbb".
Result<Theme> load_theme(const std::filesystem::path &file);
// The same from text; `origin` names it in errors.
Result<Theme> parse_theme(std::string_view json, const std::string &origin);
// What the window shows when no theme file can be read: the shipped dark or light one, from inside the program.
Theme built_in_theme(bool dark);

struct ThemeChoice {
    std::string key, name; // "high-contrast", "High contrast": the file's name without .json, and the theme's own
};
// The themes of a folder that can be read, plain ones before those of high contrast, dark before light.
std::vector<ThemeChoice> themes_in(const std::filesystem::path &folder);
// Sets ImGui's style from the theme at a scale (1, 1.5, 2).
void apply(const Theme &theme, float scale);

// A theme colour as a draw list takes it, with its opacity multiplied by alpha.
ImU32 packed(const ImVec4 &colour, float alpha = 1.0f);
// a + (b - a) * t in every channel.
ImVec4 mix(const ImVec4 &a, const ImVec4 &b, float t);

} // namespace moescope
