#include "app/shell/tour.h"

#include "app/views/ui.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace moescope {

namespace {

using nlohmann::json;

std::string word(const json &object, const char *key) {
    return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>()
                                                                                 : std::string();
}

class TourCard {
  public:
    TourCard(const Theme &theme, float scale, ImVec2 window, TourState &state, const std::vector<TourStep> &steps,
             const Actions &actions)
        : theme_(theme), scale_(scale), window_(window), state_(state), steps_(steps),
          step_(steps[std::size_t(state.step)]), actions_(actions) {}

    void draw();

  private:
    float px(float at_1x) const { return std::round(at_1x * scale_); }
    Rect target() const;
    void draw_shade(const Rect &target) const;
    void draw_card(const Rect &target);
    void draw_buttons();
    void go(int step) { state_.step = step < int(steps_.size()) ? step : -1; }

    const Theme &theme_;
    float scale_;
    ImVec2 window_;
    TourState &state_;
    const std::vector<TourStep> &steps_;
    const TourStep &step_;
    const Actions &actions_;
};

Rect TourCard::target() const {
    const auto box = ui::find_landmark(step_.landmark);
    if (!box)
        return {};
    const float around = px(4);
    const float left = std::max(0.0f, box->low.x - around), top = std::max(0.0f, box->low.y - around);
    return {left, top, std::min(window_.x, box->high.x + around) - left,
            std::min(window_.y, box->high.y + around) - top};
}

void TourCard::draw_shade(const Rect &target) const {
    ImGui::SetNextWindowPos({0, 0});
    ImGui::SetNextWindowSize(window_);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 0.0f);
    ImGui::Begin("tour shade", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoInputs | ImGuiWindowFlags_NoBackground |
                     ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoFocusOnAppearing |
                     ImGuiWindowFlags_NoNav);
    auto *draw = ImGui::GetWindowDrawList();
    draw->PushClipRectFullScreen();
    const ImU32 shade = packed(theme_.dark ? ImVec4(0, 0, 0, 1) : theme_.text, theme_.dark ? 0.5f : 0.35f);
    const float right = target.right(), bottom = target.bottom();
    draw->AddRectFilled({0, 0}, {window_.x, target.y}, shade);
    draw->AddRectFilled({0, bottom}, {window_.x, window_.y}, shade);
    draw->AddRectFilled({0, target.y}, {target.x, bottom}, shade);
    draw->AddRectFilled({right, target.y}, {window_.x, bottom}, shade);
    if (!target.empty())
        draw->AddRect(target.min(), {right, bottom}, packed(theme_.accent), px(4), 0, px(2));
    draw->PopClipRect();
    ImGui::End();
    ImGui::PopStyleVar();
}

void TourCard::draw_buttons() {
    ui::small(fmt::format("{} of {}", state_.step + 1, steps_.size()), theme_.muted);
    const bool last = state_.step + 1 == int(steps_.size());
    const float width = px(72), gap = ImGui::GetStyle().ItemSpacing.x;
    ImGui::SameLine(ImGui::GetWindowWidth() - px(16) - 3 * width - 2 * gap);
    if (ImGui::Button("Skip", {width, 0}))
        state_.step = -1;
    ui::explain("Leaves the tour (Escape). Help, Tour shows it again.");
    ImGui::SameLine();
    ImGui::BeginDisabled(state_.step <= 0);
    if (ImGui::Button("Back", {width, 0}))
        go(state_.step - 1);
    ImGui::EndDisabled();
    ImGui::SameLine();
    if (ui::primary_button(theme_, last ? "Done" : "Next", {width, 0}))
        go(state_.step + 1);
    ImGui::SetItemDefaultFocus();
}

void TourCard::draw_card(const Rect &target) {
    const float width = std::min(px(400), window_.x - px(16));
    const std::string text = with_shortcuts(step_.text, actions_);
    const float inner = width - 2 * px(16);
    const float text_height = ImGui::CalcTextSize(text.c_str(), nullptr, false, inner).y;
    const float height = 2 * px(12) + ImGui::GetTextLineHeight() + px(8) + text_height + px(12) + ImGui::GetFrameHeight();
    const Rect card = place_card(target, {width, height}, window_, px(12));
    ImGui::SetNextWindowPos(card.min());
    ImGui::SetNextWindowSize(card.size());
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(px(16), px(12)));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, px(6));
    ImGui::PushStyleColor(ImGuiCol_WindowBg, theme_.surface);
    ImGui::PushStyleColor(ImGuiCol_Border, theme_.accent);
    ImGui::Begin("tour card", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings);
    ui::heading(step_.title);
    ImGui::SetCursorPosY(px(12) + ImGui::GetTextLineHeight() + px(8));
    ImGui::PushTextWrapPos(width - px(16));
    ui::text(text);
    ImGui::PopTextWrapPos();
    ImGui::SetCursorPosY(height - px(12) - ImGui::GetFrameHeight());
    draw_buttons();
    ImGui::End();
    ImGui::PopStyleColor(2);
    ImGui::PopStyleVar(2);
}

void TourCard::draw() {
    const Rect at = target();
    draw_shade(at);
    draw_card(at);
    const bool free = !ImGui::GetIO().WantTextInput && !ImGui::IsPopupOpen(nullptr, ImGuiPopupFlags_AnyPopup);
    if (free && ImGui::IsKeyPressed(ImGuiKey_Escape, false))
        state_.step = -1;
}

} // namespace

Result<Guidance> load_guidance(const std::filesystem::path &file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    const json object = json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
    const Error wrong{fmt::format("guide {}", file.string()), "it cannot be read as a list of steps and tips",
                      "restore assets/guide.json; everything else works without"};
    if (!object.is_object() || !object.contains("tour") || !object.contains("tips"))
        return wrong;
    Guidance guidance;
    for (const json &step : object["tour"]) {
        guidance.tour.push_back({word(step, "title"), word(step, "text"), word(step, "landmark")});
        if (guidance.tour.back().title.empty() || guidance.tour.back().text.empty())
            return wrong;
    }
    for (const json &tip : object["tips"])
        if (tip.is_string())
            guidance.tips.push_back(tip.get<std::string>());
    return guidance;
}

std::string with_shortcuts(std::string_view text, const Actions &actions) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = std::min(text.find('{', at), text.size());
        out += text.substr(at, open - at);
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos)
            return out += text.substr(open);
        const std::string_view id = text.substr(open + 1, close - open - 1);
        const Action *action = actions.find(id);
        const std::string keys = actions.shortcut_text(id);
        out += !action        ? std::string(text.substr(open, close + 1 - open))
               : keys.empty() ? fmt::format("{}, {}", action->group, action->title)
                              : keys;
        at = close + 1;
    }
    return out;
}

Rect place_card(const Rect &target, ImVec2 card, ImVec2 window, float gap) {
    const auto inside = [&](float x, float y) {
        return Rect{std::round(std::clamp(x, 0.0f, std::max(0.0f, window.x - card.x))),
                    std::round(std::clamp(y, 0.0f, std::max(0.0f, window.y - card.y))), card.x, card.y};
    };
    if (target.empty())
        return inside((window.x - card.x) / 2, (window.y - card.y) / 2);
    const float middle_y = target.y + std::min(target.height / 2, window.y / 3) - card.y / 2;
    const Rect places[] = {inside(target.right() + gap, middle_y), inside(target.x - gap - card.x, middle_y),
                           inside(target.x, target.bottom() + gap), inside(target.x, target.y - gap - card.y)};
    for (const Rect &place : places)
        if (!place.overlaps(target))
            return place;
    return inside((window.x - card.x) / 2, (window.y - card.y) / 2);
}

void draw_tour(const Theme &theme, float scale, ImVec2 window, TourState &state, const std::vector<TourStep> &steps,
               const Actions &actions) {
    if (state.step >= int(steps.size()))
        state.step = -1;
    if (state.on())
        TourCard(theme, scale, window, state, steps, actions).draw();
}

} // namespace moescope
