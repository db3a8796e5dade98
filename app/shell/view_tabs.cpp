#include "app/shell/view_tabs.h"

#include "app/views/ui.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moescope {

namespace {

constexpr const char *kMore = "more views";

std::vector<const View *> views_of(ViewGroup group) {
    std::vector<const View *> members;
    for (const View &view : views())
        if (view.group == group)
            members.push_back(&view);
    return members;
}

class Tabs {
  public:
    explicit Tabs(const ViewTabs &tabs) : tabs_(tabs), theme_(tabs.theme) {}

    std::optional<ViewId> draw();

  private:
    float px(float at_1x) const { return std::round(at_1x * tabs_.scale); }
    bool tab(const char *label, bool current, bool quiet, float padding, float height);
    void draw_groups();
    void draw_views();
    void draw_tab(const View &view);
    void draw_more(const std::vector<const View *> &members, const TabRow &row);
    std::string hover_of(const View &view) const;

    const ViewTabs &tabs_;
    const Theme &theme_;
    std::optional<ViewId> chosen_;
};

// A word on its ground, which is tinted where it is the current one or pointed at.
bool Tabs::tab(const char *label, bool current, bool quiet, float padding, float height) {
    const ImVec2 text = ImGui::CalcTextSize(label), at = ImGui::GetCursorScreenPos();
    const bool clicked = ImGui::InvisibleButton(label, {text.x + 2 * padding, height});
    const bool hovered = ImGui::IsItemHovered();
    auto *draw = ImGui::GetWindowDrawList();
    const ImVec2 low = ImGui::GetItemRectMin(), high = ImGui::GetItemRectMax();
    if (!quiet && (current || hovered))
        draw->AddRectFilled(low, high, packed(current ? theme_.raised : theme_.surface), px(4),
                            ImDrawFlags_RoundCornersTop);
    if (current)
        draw->AddRectFilled({low.x + (quiet ? padding : 0), high.y - px(2)}, {high.x - (quiet ? padding : 0), high.y},
                            packed(theme_.accent));
    draw->AddText({at.x + padding, std::floor(at.y + (height - text.y) / 2)},
                  packed(current || hovered ? theme_.text : theme_.muted), label);
    return clicked;
}

void Tabs::draw_groups() {
    const ui::FontScope small(ui::small_font());
    const float height = ImGui::GetTextLineHeight() + px(6), padding = px(4);
    ImGui::PushID("groups"); // a group and a view in it may be called the same
    bool first = true;
    for (int i = 0; i < kViewGroups; ++i) {
        const ViewGroup group{i};
        const auto members = views_of(group);
        if (members.empty())
            continue;
        if (!std::exchange(first, false))
            ImGui::SameLine(0, px(8));
        const bool current = info(tabs_.shown).group == group;
        if (tab(name_of(group), current, /*quiet=*/true, padding, height) && !current)
            chosen_ = view_of(group, tabs_.last, tabs_.other);
        std::string words;
        for (const View *view : members)
            words += fmt::format("{}{}: {}", words.empty() ? "" : "\n", view->tab, view->question);
        ui::explain(words);
    }
    ImGui::PopID();
}

std::string Tabs::hover_of(const View &view) const {
    const std::string hint = tabs_.actions.hint(fmt::format("view.{}", view.key));
    return tabs_.other == view.id ? hint + "\nIt is in the other pane: a click changes the two." : hint;
}

void Tabs::draw_tab(const View &view) {
    const bool current = view.id == tabs_.shown;
    if (tab(view.tab, current, /*quiet=*/false, px(10), ImGui::GetTextLineHeight() + px(10)) && !current)
        chosen_ = view.id;
    ui::explain(hover_of(view));
}

// The views there is no room for, behind the row's end.
void Tabs::draw_more(const std::vector<const View *> &members, const TabRow &row) {
    if (row.hidden.empty())
        return;
    ImGui::SameLine(0, px(2));
    if (tab("…", false, false, px(8), ImGui::GetTextLineHeight() + px(10)))
        ImGui::OpenPopup(kMore);
    ui::explain("More views of this group.");
    if (!ImGui::BeginPopup(kMore))
        return;
    for (const std::size_t index : row.hidden)
        if (ImGui::Selectable(members[index]->tab))
            chosen_ = members[index]->id;
    ImGui::EndPopup();
}

void Tabs::draw_views() {
    const auto members = views_of(info(tabs_.shown).group);
    std::vector<float> widths;
    std::size_t current = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        widths.push_back(ImGui::CalcTextSize(members[i]->tab).x + 2 * px(10));
        if (members[i]->id == tabs_.shown)
            current = i;
    }
    const TabRow row = fit_tabs(widths, current, ImGui::GetContentRegionAvail().x, px(2),
                                ImGui::CalcTextSize("…").x + 2 * px(8));
    const float left = ImGui::GetCursorScreenPos().x, right = left + ImGui::GetContentRegionAvail().x;
    bool first = true;
    for (const std::size_t index : row.shown) {
        if (!std::exchange(first, false))
            ImGui::SameLine(0, px(2));
        draw_tab(*members[index]);
    }
    draw_more(members, row);
    const float under = ImGui::GetItemRectMax().y;
    ImGui::GetWindowDrawList()->AddRectFilled({left, under}, {right, under + std::max(1.0f, px(1))},
                                              packed(theme_.line));
}

std::optional<ViewId> Tabs::draw() {
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(0, 0));
    ImGui::BeginGroup();
    draw_groups();
    ImGui::Dummy({0, px(2)});
    draw_views();
    ImGui::PopStyleVar();
    ImGui::EndGroup(); // with the usual room under it
    return chosen_;
}

} // namespace

TabRow fit_tabs(std::span<const float> widths, std::size_t current, float room, float gap, float more) {
    TabRow row;
    float all = 0;
    for (const float width : widths)
        all += width + gap;
    const bool fits = all - gap <= room;
    float left = fits ? all : room - more - (current < widths.size() ? widths[current] + gap : 0);
    for (std::size_t i = 0; i < widths.size(); ++i) {
        const bool shown = i == current || (left >= widths[i] + gap && row.hidden.empty());
        if (shown && i != current && !fits)
            left -= widths[i] + gap;
        (shown ? row.shown : row.hidden).push_back(i);
    }
    return row;
}

LastOfGroup first_of_groups() {
    LastOfGroup last{};
    for (std::size_t i = views().size(); i-- > 0;)
        last[std::size_t(views()[i].group)] = views()[i].id;
    return last;
}

ViewId view_of(ViewGroup group, const LastOfGroup &last, std::optional<ViewId> other) {
    const ViewId wanted = last[std::size_t(group)];
    if (wanted != other)
        return wanted;
    for (const View *view : views_of(group))
        if (view->id != other)
            return view->id;
    return wanted; // the only one: the panes change places
}

std::optional<ViewId> draw_view_tabs(const ViewTabs &tabs) { return Tabs(tabs).draw(); }

} // namespace moescope
