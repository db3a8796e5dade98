#include "app/shell/palette.h"

#include "app/shell/fuzzy.h"
#include "app/views/ui.h"

#include <imgui_stdlib.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moescope {

namespace {

constexpr const char *kPopup = "palette";

class Palette {
  public:
    Palette(const Theme &theme, float scale, PaletteState &state, std::vector<PaletteEntry> entries)
        : theme_(theme), scale_(scale), state_(state), entries_(std::move(entries)),
          matches_(matching_entries(entries_, state.query)) {}

    void draw(float height);

  private:
    float px(float at_1x) const { return std::round(at_1x * scale_); }
    bool draw_query();
    void draw_row(const PaletteEntry &entry, int index);
    void move(int step);
    void choose(const PaletteEntry &entry);

    const Theme &theme_;
    float scale_;
    PaletteState &state_;
    std::vector<PaletteEntry> entries_;
    std::vector<std::size_t> matches_;
    bool moved_ = false;
};

void Palette::move(int step) {
    const int count = int(matches_.size());
    if (count > 0)
        state_.selected = (state_.selected + step + count) % count;
    moved_ = true;
}

void Palette::choose(const PaletteEntry &entry) {
    if (!entry.refused.empty())
        return;
    ImGui::CloseCurrentPopup();
    entry.run();
}

// True when Enter was pressed.
bool Palette::draw_query() {
    if (ImGui::IsWindowAppearing())
        ImGui::SetKeyboardFocusHere();
    ImGui::SetNextItemWidth(-FLT_MIN);
    const std::string before = state_.query;
    // The arrows are the list's: the field hands them over as its history.
    const auto arrows = [](ImGuiInputTextCallbackData *data) {
        static_cast<Palette *>(data->UserData)->move(data->EventKey == ImGuiKey_UpArrow ? -1 : 1);
        return 0;
    };
    const bool entered = ImGui::InputTextWithHint(
        "##query", "A command, a view, a model, an operator, a file …", &state_.query,
        ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_CallbackHistory, arrows, this);
    if (state_.query != before) {
        state_.selected = 0;
        moved_ = true;
        matches_ = matching_entries(entries_, state_.query);
    }
    return entered;
}

void Palette::draw_row(const PaletteEntry &entry, int index) {
    const bool can = entry.refused.empty();
    ImGui::PushID(index);
    const float height = ImGui::GetTextLineHeight() + px(8);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float right = at.x + ImGui::GetContentRegionAvail().x;
    if (ImGui::Selectable("##row", index == state_.selected, 0, {0, height}))
        choose(entry);
    if (index == state_.selected && moved_)
        ImGui::SetScrollHereY(0.5f);
    ui::explain(can ? entry.detail : entry.refused);
    ImGui::PopID();
    auto *draw = ImGui::GetWindowDrawList();
    const float text_y = at.y + std::floor((height - ImGui::GetTextLineHeight()) / 2);
    const auto write = [&](float x, const std::string &words, const ImVec4 &colour) {
        draw->AddText({std::floor(x), text_y}, packed(colour), words.c_str());
    };
    float end = right - px(8);
    if (!entry.keys.empty()) {
        end -= ImGui::CalcTextSize(entry.keys.c_str()).x;
        write(end, entry.keys, theme_.muted);
        end -= px(16);
    }
    write(at.x + px(8), entry.kind, theme_.muted);
    float x = at.x + px(96);
    const std::string title = ui::fitted(entry.title, std::max(0.0f, end - x));
    write(x, title, can ? theme_.text : theme_.muted);
    x += ImGui::CalcTextSize(title.c_str()).x + px(12);
    if (end - x > px(40))
        write(x, ui::fitted(can ? entry.detail : entry.refused, end - x), theme_.muted);
}

void Palette::draw(float height) {
    const bool entered = draw_query();
    if (ImGui::IsKeyPressed(ImGuiKey_Escape)) // the field alone would only forget what was typed
        ImGui::CloseCurrentPopup();
    ImGui::BeginChild("entries", {0, height - ImGui::GetCursorPosY() - px(8)});
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(0, 0));
    state_.selected = std::clamp(state_.selected, 0, std::max(0, int(matches_.size()) - 1));
    for (int i = 0; i < int(matches_.size()); ++i)
        draw_row(entries_[matches_[std::size_t(i)]], i);
    ImGui::PopStyleVar();
    if (matches_.empty())
        ui::wrapped("Nothing here is called that.", theme_.muted);
    ImGui::EndChild();
    if (entered && !matches_.empty())
        choose(entries_[matches_[std::size_t(state_.selected)]]);
}

} // namespace

std::vector<std::size_t> matching_entries(const std::vector<PaletteEntry> &entries, const std::string &query) {
    std::vector<std::size_t> found;
    std::vector<int> scores(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const PaletteEntry &entry = entries[i];
        // What it is called counts for more than what it is and what is said of it: long sentences, in which
        // the letters of any word are found somewhere.
        auto score = fuzzy_score(query, entry.title);
        if (score)
            *score += 40;
        else
            score = words_score(query, entry.kind + " " + entry.title + " " + entry.detail);
        if (!score)
            continue;
        scores[i] = *score;
        found.push_back(i);
    }
    if (query.find_first_not_of(' ') == std::string::npos)
        return found;
    std::stable_sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) {
        return scores[a] != scores[b] ? scores[a] > scores[b]
                                      : entries[a].refused.empty() && !entries[b].refused.empty();
    });
    return found;
}

void draw_palette(const Theme &theme, float scale, ImVec2 window, PaletteState &state,
                  const std::function<std::vector<PaletteEntry>()> &entries) {
    if (std::exchange(state.opening, false)) {
        state.query.clear();
        state.selected = 0;
        ImGui::OpenPopup(kPopup);
    }
    if (!ImGui::IsPopupOpen(kPopup))
        return;
    const float width = std::min(std::round(680 * scale), window.x - 32 * scale);
    const float height = std::min(std::round(420 * scale), window.y - 80 * scale);
    ImGui::SetNextWindowPos({std::round((window.x - width) / 2), std::round(36 * scale)});
    ImGui::SetNextWindowSize({width, height});
    if (!ImGui::BeginPopup(kPopup, ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoScrollbar |
                                       ImGuiWindowFlags_NoScrollWithMouse))
        return;
    Palette(theme, scale, state, entries()).draw(height);
    ImGui::EndPopup();
}

} // namespace moescope
