// Colours and sizes of the window, from a theme file in assets/themes.
#pragma once

#include "profiler/base/result.h"

#include <imgui.h>

#include <array>
#include <filesystem>
#include <string>

namespace moescope {

struct Theme {
    std::string name;
    bool dark = true;
    ImVec4 background, surface, raised, line, text, muted, accent, failure, warning, good;
    std::array<ImVec4, 8> series; // one colour means one variant everywhere
};

Result<Theme> load_theme(const std::filesystem::path &file);
// Sets ImGui's style from the theme at a scale (1, 1.5, 2).
void apply(const Theme &theme, float scale);

} // namespace moescope
