#include "app/shell/start_page.h"

#include "app/views/ui.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

class Page {
  public:
    Page(const Theme &theme, float scale, const StartPage &page, const Actions &actions,
         const std::function<void(const std::string &)> &open)
        : theme_(theme), scale_(scale), page_(page), actions_(actions), open_(open) {}

    bool draw(const std::function<void()> &next_tip);

  private:
    float px(float at_1x) const { return std::round(at_1x * scale_); }
    bool line(const std::string &words, const std::string &beside, bool can);
    void command(const char *id);
    void files(const char *title, const char *explanation, const std::vector<RecentFile> &files);
    void draw_tip(const std::function<void()> &next_tip);

    const Theme &theme_;
    float scale_;
    const StartPage &page_;
    const Actions &actions_;
    const std::function<void(const std::string &)> &open_;
    bool chosen_ = false;
};

// A line that can be clicked: what it does at the left, its key or folder at the right.
bool Page::line(const std::string &words, const std::string &beside, bool can) {
    ImGui::BeginDisabled(!can);
    const bool clicked = ImGui::Selectable("##line", false, 0, {0, ImGui::GetTextLineHeight() + px(8)});
    ImGui::EndDisabled();
    const ImVec2 low = ImGui::GetItemRectMin(), high = ImGui::GetItemRectMax();
    auto *draw = ImGui::GetWindowDrawList();
    const float y = low.y + std::floor((high.y - low.y - ImGui::GetTextLineHeight()) / 2);
    const float left = low.x + px(8), right = high.x - px(8);
    const std::string name = ui::fitted(words, right - left);
    draw->AddText({left, y}, packed(can ? theme_.accent : theme_.muted), name.c_str());
    const float room = right - left - ImGui::CalcTextSize(name.c_str()).x - px(16);
    const std::string rest = room > px(40) ? ui::fitted(beside, room) : "";
    draw->AddText({right - ImGui::CalcTextSize(rest.c_str()).x, y}, packed(theme_.muted), rest.c_str());
    chosen_ = chosen_ || clicked;
    return clicked;
}

void Page::command(const char *id) {
    const Action *action = actions_.find(id);
    if (!action)
        return;
    ImGui::PushID(id);
    const std::string why = Actions::refused(*action);
    if (line(action->title, text_of(actions_.shortcut(*action)), why.empty()))
        action->run();
    ui::explain(why.empty() ? action->explain : why);
    ImGui::PopID();
}

void Page::files(const char *title, const char *explanation, const std::vector<RecentFile> &files) {
    if (files.empty())
        return;
    ImGui::Dummy({0, px(12)});
    ui::heading(title);
    ui::explain(explanation);
    for (const RecentFile &file : files) {
        ImGui::PushID(file.path.c_str());
        const std::string &beside = file.what.empty() ? file.folder : file.what;
        if (line(file.name, file.there ? beside : "not there any more", file.there))
            open_(file.path);
        ui::explain(file.there ? file.path : fmt::format("{} is not there any more.", file.path));
        ImGui::PopID();
    }
}

void Page::draw_tip(const std::function<void()> &next_tip) {
    if (page_.tip.empty())
        return;
    ImGui::Dummy({0, px(12)});
    ui::heading("Tip");
    ui::wrapped(page_.tip, theme_.muted);
    if (ImGui::SmallButton("Another one"))
        next_tip();
}

bool Page::draw(const std::function<void()> &next_tip) {
    if (page_.nothing_measured)
        ui::wrapped(fmt::format("Nothing is measured{} yet. A run fills the views: every operator and variant with its time, "
                                "what it achieved and how far it is from the device's limit.",
                                page_.host.empty() ? "" : " on " + page_.host),
                    theme_.muted);
    ImGui::Dummy({0, px(8)});
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(ImGui::GetStyle().ItemSpacing.x, px(2)));
    ui::heading("Begin");
    for (const char *id : {"run.start", "file.open", "view.lessons", "help.tour", "help.palette"})
        command(id);
    draw_tip(next_tip);
    files("Opened lately", "Sessions this window had open.", page_.recent);
    files("Recorded sessions", "Measured on a GPU and shipped with the program, to look around in.", page_.shipped);
    ImGui::PopStyleVar();
    return chosen_;
}

} // namespace

bool draw_start_page(const Theme &theme, float scale, const StartPage &page, const Actions &actions,
                     const std::function<void(const std::string &)> &open, const std::function<void()> &next_tip) {
    const float room = ImGui::GetContentRegionAvail().x, width = std::min(room, std::round(560 * scale));
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + std::floor((room - width) / 2));
    ImGui::BeginChild("start", {width, 0});
    const bool chosen = Page(theme, scale, page, actions, open).draw(next_tip);
    ImGui::EndChild();
    return chosen;
}

} // namespace moescope
