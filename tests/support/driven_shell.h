// The whole window without a display: made-up keys and clicks, a frame at a time.
#pragma once

#include "app/render/own_context.h"
#include "app/shell/drawn_text.h"
#include "app/shell/shell.h"

#include <algorithm>
#include <string>
#include <vector>

namespace moescope::test {

class DrivenShell {
  public:
    explicit DrivenShell(SessionPtr session = nullptr, Settings settings = {}, float width = 1440,
                         float height = 900)
        : shell({.settings = std::move(settings), .wake = {}, .autosave = {}}) {
        ImGuiIO &io = ImGui::GetIO();
        io.DisplaySize = {width, height};
        io.MousePos = {-FLT_MAX, -FLT_MAX};
        io.ConfigFlags |= ImGuiConfigFlags_NavEnableKeyboard;
        shell.use_scale(1, {});
        shell.set_theme("dark");
        if (session)
            shell.show_recorded(std::move(session));
        frames(2);
    }

    void frame() {
        ImGui::GetIO().DeltaTime = 0.1f;
        ImGui::NewFrame();
        shell.draw(ImGui::GetIO().DisplaySize.x, ImGui::GetIO().DisplaySize.y);
        ImGui::Render();
    }
    void frames(int count) {
        for (int i = 0; i < count; ++i)
            frame();
    }
    // Pressed and let go.
    void press(const std::string &words) {
        const Shortcut shortcut = parse_shortcut(words).value();
        for (const bool down : {true, false}) {
            ImGuiIO &io = ImGui::GetIO();
            io.AddKeyEvent(ImGuiMod_Ctrl, down && shortcut.ctrl);
            io.AddKeyEvent(ImGuiMod_Shift, down && shortcut.shift);
            io.AddKeyEvent(ImGuiMod_Alt, down && shortcut.alt);
            io.AddKeyEvent(shortcut.key, down);
            frames(2);
        }
    }
    void type(const std::string &words) {
        ImGui::GetIO().AddInputCharactersUTF8(words.c_str());
        frames(int(words.size()) + 1);
    }
    void click(float x, float y) {
        ImGuiIO &io = ImGui::GetIO();
        io.AddMousePosEvent(x, y);
        frames(2);
        for (const bool down : {true, false}) {
            io.AddMouseButtonEvent(0, down);
            frames(2);
        }
    }

    // What the last frame shows, without the words that are clipped away.
    std::vector<DrawnText> texts() const { return drawn_text(*ImGui::GetDrawData(), *ImGui::GetIO().Fonts); }
    bool says(const std::string &words) const {
        const auto shown = texts();
        return std::ranges::any_of(
            shown, [&](const DrawnText &text) { return text.text.find(words) != std::string::npos; });
    }

  private:
    OwnContext context_;

  public:
    Shell shell; // after the context it draws in
};

} // namespace moescope::test
