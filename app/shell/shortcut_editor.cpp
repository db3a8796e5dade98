#include "app/shell/shortcut_editor.h"

#include "app/shell/fuzzy.h"
#include "app/views/ui.h"

#include <imgui_stdlib.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr const char *kPopup = "Keyboard shortcuts";

class Editor {
  public:
    Editor(const Theme &theme, float scale, ShortcutEditorState &state, Actions &actions)
        : theme_(theme), scale_(scale), state_(state), actions_(actions) {}

    void draw();

  private:
    float px(float at_1x) const { return std::round(at_1x * scale_); }
    void listen();
    void take(const Status &status) { state_.problem = status.ok() ? "" : status.error().sentence(); }
    void draw_row(const Action &action);
    void draw_table(float height);
    void close();

    const Theme &theme_;
    float scale_;
    ShortcutEditorState &state_;
    Actions &actions_;
};

void Editor::close() {
    state_.waiting.clear();
    state_.problem.clear();
    ImGui::CloseCurrentPopup();
}

// The next key is the new shortcut; Escape leaves it as it was, Delete takes it away.
void Editor::listen() {
    const Shortcut pressed = pressed_shortcut();
    if (state_.waiting.empty()) {
        if (pressed == Shortcut{.key = ImGuiKey_Escape})
            close();
        return;
    }
    if (pressed.empty())
        return;
    if (pressed == Shortcut{.key = ImGuiKey_Delete})
        take(actions_.assign(state_.waiting, {}));
    else if (pressed != Shortcut{.key = ImGuiKey_Escape})
        take(actions_.assign(state_.waiting, pressed));
    state_.waiting.clear();
}

void Editor::draw_row(const Action &action) {
    const Shortcut shortcut = actions_.shortcut(action);
    ImGui::PushID(action.id.c_str());
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::AlignTextToFramePadding();
    ui::text(action.group, theme_.muted);
    ImGui::TableNextColumn();
    ui::text(action.title);
    ui::explain(action.explain);
    ImGui::TableNextColumn();
    const bool waiting = state_.waiting == action.id;
    const std::string keys = waiting ? "press the keys …" : shortcut.empty() ? "–" : text_of(shortcut);
    if (ImGui::Button((keys + "##keys").c_str(), {px(160), 0})) {
        state_.waiting = waiting ? "" : action.id;
        state_.problem.clear();
    }
    ui::explain("Click, then press the new keys. Escape leaves it as it is, Delete takes it away.");
    ImGui::TableNextColumn();
    if (!(shortcut == action.standard)) {
        if (ImGui::Button("Restore"))
            take(actions_.restore(action.id));
        ui::explain(action.standard.empty() ? "At first it has none."
                                            : "At first it is " + text_of(action.standard) + ".");
    }
    ImGui::PopID();
}

void Editor::draw_table(float height) {
    const ImGuiTableFlags flags = ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_BordersInnerH |
                                  ImGuiTableFlags_ScrollY | ImGuiTableFlags_NoSavedSettings;
    if (!ImGui::BeginTable("shortcuts", 4, flags, {0, height}))
        return;
    ImGui::TableSetupColumn("Menu", ImGuiTableColumnFlags_WidthFixed, px(80));
    ImGui::TableSetupColumn("Command", ImGuiTableColumnFlags_WidthStretch);
    ImGui::TableSetupColumn("Keys", ImGuiTableColumnFlags_WidthFixed, px(164));
    ImGui::TableSetupColumn("", ImGuiTableColumnFlags_WidthFixed, px(72));
    for (const Action &action : actions_.all())
        if (fuzzy_score(state_.search, action.group + " " + action.title + " " + actions_.shortcut_text(action.id)))
            draw_row(action);
    ImGui::EndTable();
}

void Editor::draw() {
    listen();
    ui::heading(kPopup);
    if (ImGui::IsWindowAppearing())
        ImGui::SetKeyboardFocusHere();
    ImGui::SetNextItemWidth(-FLT_MIN);
    ImGui::InputTextWithHint("##search", "Search a command or a key", &state_.search);
    const float foot = ImGui::GetFrameHeightWithSpacing() + ImGui::GetTextLineHeightWithSpacing() * 2;
    draw_table(ImGui::GetContentRegionAvail().y - foot);
    ui::wrapped(state_.problem, theme_.failure);
    ImGui::SetCursorPosY(ImGui::GetWindowHeight() - ImGui::GetFrameHeight() - ImGui::GetStyle().WindowPadding.y);
    if (ImGui::Button("Close", {px(96), 0}))
        close();
}

} // namespace

void draw_shortcut_editor(const Theme &theme, float scale, ImVec2 window, ShortcutEditorState &state,
                          Actions &actions) {
    if (std::exchange(state.opening, false)) {
        state.search.clear();
        ImGui::OpenPopup(kPopup);
    }
    const ImVec2 size{std::min(std::round(640 * scale), window.x - 32 * scale),
                      std::min(std::round(560 * scale), window.y - 64 * scale)};
    ImGui::SetNextWindowPos({std::round((window.x - size.x) / 2), std::round((window.y - size.y) / 2)});
    ImGui::SetNextWindowSize(size);
    // A modal: Escape is one of the keys that it waits for.
    if (!ImGui::BeginPopupModal(kPopup, nullptr, ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize |
                                                     ImGuiWindowFlags_NoSavedSettings))
        return;
    Editor(theme, scale, state, actions).draw();
    ImGui::EndPopup();
}

} // namespace moescope
