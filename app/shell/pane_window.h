// A pane of the shell as a borderless ImGui window, for one scope.
#pragma once

#include "app/shell/layout.h"

namespace moescope {

class PaneWindow {
  public:
    // `flags` are changed against what panes have.
    PaneWindow(const char *name, const Rect &rect, const ImVec4 &ground, ImGuiWindowFlags flags = 0) {
        ImGui::SetNextWindowPos(rect.min());
        ImGui::SetNextWindowSize(rect.size());
        ImGui::PushStyleColor(ImGuiCol_WindowBg, ground);
        ImGui::PushStyleVar(ImGuiStyleVar_WindowMinSize, ImVec2(1, 1));
        ImGui::Begin(name, nullptr, kPane ^ flags);
        ImGui::PopStyleVar();
    }
    ~PaneWindow() {
        ImGui::End();
        ImGui::PopStyleColor();
    }
    PaneWindow(const PaneWindow &) = delete;
    PaneWindow &operator=(const PaneWindow &) = delete;

  private:
    static constexpr ImGuiWindowFlags kPane =
        ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoResize |
        ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoBringToFrontOnFocus |
        ImGuiWindowFlags_NoNavFocus |
        ImGuiWindowFlags_NoFocusOnAppearing; // which would close what is open over the panes
};

} // namespace moescope
