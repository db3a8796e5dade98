// ImGui's current context made ready for frames that no one draws.
#pragma once

#include <imgui.h>

namespace moescope::test {

inline void use_no_backend(ImVec2 size) {
    ImGuiIO &io = ImGui::GetIO();
    io.DisplaySize = size;
    unsigned char *pixels = nullptr;
    int width = 0, height = 0;
    io.Fonts->GetTexDataAsRGBA32(&pixels, &width, &height); // builds the atlas
}

} // namespace moescope::test
