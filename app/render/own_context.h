// ImGui without a display.
#pragma once

#include <imgui.h>

namespace moescope {

// An ImGui context of its own for as long as a picture takes; the one before comes back.
class OwnContext {
  public:
    OwnContext() : before_(ImGui::GetCurrentContext()), own_(ImGui::CreateContext()) {
        ImGui::SetCurrentContext(own_);
        ImGui::GetIO().IniFilename = nullptr;
        ImGui::GetIO().LogFilename = nullptr;
        ImGui::GetIO().BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
    }
    ~OwnContext() {
        ImGui::DestroyContext(own_);
        ImGui::SetCurrentContext(before_);
    }
    OwnContext(const OwnContext &) = delete;
    OwnContext &operator=(const OwnContext &) = delete;

  private:
    ImGuiContext *before_, *own_;
};

} // namespace moescope
