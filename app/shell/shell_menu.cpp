// The menu bar: the actions by their groups.
#include "app/shell/shell.h"

#include "app/shell/pane_window.h"
#include "app/views/ui.h"

#include <cmath>

namespace moescope {

void Shell::draw_menu_item(const Action &action) {
    if (action.starts_section)
        ImGui::Separator();
    const std::string why = Actions::refused(action), keys = text_of(actions_.shortcut(action));
    const bool ticked = action.ticked && action.ticked();
    if (ImGui::MenuItem(Actions::label(action).c_str(), keys.c_str(), ticked, why.empty()))
        action.run();
    ui::explain(why.empty() ? action.explain : why);
}

void Shell::draw_recent_menu() {
    if (!ImGui::BeginMenu("Open recent", !session_file_.recent.empty()))
        return;
    for (const RecentFile &file : recent()) {
        ImGui::PushID(file.path.c_str());
        const std::string &beside = file.what.empty() ? file.folder : file.what;
        if (ImGui::MenuItem(file.name.c_str(), file.there ? beside.c_str() : "not there any more", false, file.there))
            open(file.path);
        ui::explain(file.there ? file.path : file.path + " is not there any more.");
        ImGui::PopID();
    }
    ImGui::Separator();
    if (ImGui::MenuItem("Forget them")) {
        settings_.recent.clear();
        session_file_.recent.clear();
        start_page_at_ = -1;
    }
    ImGui::EndMenu();
}

void Shell::draw_menu(const std::string &group) {
    if (!ImGui::BeginMenu(group.c_str()))
        return;
    for (const Action &action : actions_.all())
        if (action.group == group) {
            draw_menu_item(action);
            if (action.id == "file.open")
                draw_recent_menu();
        }
    ImGui::EndMenu();
}

// At the right end: where a newcomer finds everything.
void Shell::draw_palette_button() {
    const ui::FontScope small(ui::small_font());
    const std::string keys = actions_.shortcut_text(kPaletteAction);
    const std::string label = "Find a command" + (keys.empty() ? keys : "   " + keys);
    const float width = ImGui::CalcTextSize(label.c_str()).x + std::round(24 * scale_);
    const float left = ImGui::GetWindowWidth() - width - std::round(12 * scale_);
    if (left < ImGui::GetCursorPosX())
        return;
    const float height = ImGui::GetTextLineHeight() + std::round(6 * scale_);
    ImGui::SetCursorPos({left, std::floor((layout_.menu.height - height) / 2)});
    ImGui::PushStyleColor(ImGuiCol_Text, theme_.muted);
    if (ImGui::Button(label.c_str(), {width, height}))
        actions_.run(kPaletteAction);
    ui::landmark("palette");
    ImGui::PopStyleColor();
    ui::explain(actions_.find(kPaletteAction)->explain);
}

void Shell::draw_menu_bar() {
    if (layout_.menu.empty())
        return;
    const float line = ImGui::GetTextLineHeight();
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding,
                        ImVec2(std::round(8 * scale_), std::floor((layout_.menu.height - line) / 2)));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(std::round(12 * scale_), 0));
    const ImVec4 ground = mix(theme_.background, theme_.raised, 0.6f);
    ImGui::PushStyleColor(ImGuiCol_MenuBarBg, ground);
    const PaneWindow pane("menu", layout_.menu, ground, ImGuiWindowFlags_MenuBar);
    ImGui::PopStyleColor();
    ImGui::PopStyleVar();
    const bool open = ImGui::BeginMenuBar();
    ImGui::PopStyleVar();
    if (!open)
        return;
    for (const std::string &group : actions_.groups())
        draw_menu(group);
    draw_palette_button();
    ImGui::EndMenuBar();
}

} // namespace moescope
