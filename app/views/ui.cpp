#include "app/views/ui.h"

#include "app/colour.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"

#include <imgui_internal.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace moescope::ui {

namespace {

const char *begin_of(std::string_view text) { return text.data() ? text.data() : ""; }
const char *end_of(std::string_view text) { return begin_of(text) + text.size(); }

ImVec2 size_of(std::string_view text, float wrap = -1.0f) {
    return ImGui::CalcTextSize(begin_of(text), end_of(text), false, wrap);
}

ImFont *font(int index) {
    const auto &fonts = ImGui::GetIO().Fonts->Fonts;
    return fonts[std::min(index, fonts.Size - 1)];
}

constexpr float kBadgeTint = 0.18f;

} // namespace

ImFont *body_font() { return font(0); }
ImFont *small_font() { return font(1); }
ImFont *bold_font() { return font(2); }
ImFont *code_font() { return font(3); }

// ImGui itself also breaks lines within "2.83 ms" and "mma.sync".
void text(std::string_view text) {
    const float wrap = ImGui::GetCurrentWindow()->DC.TextWrapPos;
    const float room = wrap < 0 ? 0 : ImGui::CalcWrapWidthForPos(ImGui::GetCursorScreenPos(), wrap);
    if (room > 0 && size_of(text).x > room) {
        const std::string lines = broken(text, room);
        ImGui::TextUnformatted(begin_of(lines), end_of(lines));
    } else
        ImGui::TextUnformatted(begin_of(text), end_of(text));
    note_shown(text);
}

void text(std::string_view words, const ImVec4 &colour) {
    ImGui::PushStyleColor(ImGuiCol_Text, colour);
    text(words);
    ImGui::PopStyleColor();
}

void wrapped(std::string_view words, const ImVec4 &colour) {
    ImGui::PushTextWrapPos(0.0f);
    text(words, colour);
    ImGui::PopTextWrapPos();
}

void heading(std::string_view words) {
    const FontScope bold(bold_font());
    text(words);
}

void small(std::string_view words, const ImVec4 &colour) {
    const FontScope font(small_font());
    text(words, colour);
}

void small_wrapped(std::string_view words, const ImVec4 &colour) {
    const FontScope font(small_font());
    wrapped(words, colour);
}

void right_aligned(std::string_view words, const ImVec4 &colour) {
    const float slack = ImGui::GetContentRegionAvail().x - size_of(words).x;
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + std::max(0.0f, slack));
    text(words, colour);
}

void right_aligned(std::string_view words) {
    right_aligned(words, ImGui::GetStyleColorVec4(ImGuiCol_Text));
}

bool begin_tooltip() {
    ImGui::PushFont(small_font());
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding,
                        ImVec2(ImGui::GetFontSize() * 0.7f, ImGui::GetFontSize() * 0.5f));
    if (ImGui::BeginTooltip()) {
        ImGui::PushTextWrapPos(ImGui::GetFontSize() * 28.0f);
        return true;
    }
    ImGui::PopStyleVar();
    ImGui::PopFont();
    return false;
}

void end_tooltip() {
    ImGui::PopTextWrapPos();
    ImGui::EndTooltip();
    ImGui::PopStyleVar();
    ImGui::PopFont();
}

void tooltip(std::string_view words) {
    if (words.empty() || !begin_tooltip())
        return;
    text(words);
    note_hover(words, std::nullopt);
    end_tooltip();
}

void explain(std::string_view words) {
    note_explained(words, std::nullopt);
    if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayShort | ImGuiHoveredFlags_AllowWhenDisabled))
        tooltip(words);
}

bool column_hovered(int column) {
    return (ImGui::TableGetColumnFlags(column) & ImGuiTableColumnFlags_IsHovered) != 0;
}

ImVec2 badge_size(std::string_view words) {
    const FontScope small(small_font());
    const ImVec2 size = size_of(words);
    return {size.x + ImGui::GetFontSize() * 0.8f, size.y + ImGui::GetFontSize() * 0.2f};
}

// What is under it is at the worst the raised ground.
void badge(const Theme &theme, std::string_view words, const ImVec4 &colour) {
    badge(theme, words, colour, theme.raised);
}

void badge(const Theme &theme, std::string_view words, const ImVec4 &colour, const ImVec4 &under) {
    const float line = ImGui::GetTextLineHeight();
    const ImVec2 size = badge_size(words);
    ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::Dummy({size.x, std::max(line, size.y)});
    at.y += (ImGui::GetItemRectSize().y - size.y) * 0.5f;
    const FontScope small(small_font());
    auto *draw = ImGui::GetWindowDrawList();
    draw->AddRectFilled(at, {at.x + size.x, at.y + size.y}, packed(colour, kBadgeTint), size.y * 0.25f);
    const ImVec4 ground = mix(under, colour, kBadgeTint);
    const float pad = ImGui::GetFontSize();
    draw->AddText({std::floor(at.x + pad * 0.4f), std::floor(at.y + pad * 0.1f)}, packed(readable_on(ground, colour, theme.least_contrast())), begin_of(words), end_of(words));
}

ImVec4 colour_of(const Theme &theme, Evidence evidence) {
    switch (evidence) {
    case Evidence::Measured:
        return theme.accent;
    case Evidence::Estimated:
        return theme.warning;
    case Evidence::Modelled:
    case Evidence::Reported:
        break;
    }
    return theme.muted;
}

const char *meaning_of(Evidence evidence) {
    constexpr const char *kMeanings[] = {
        "Read from a clock, a hardware counter or the allocation ledger.",
        "Follows from the workload and the device's ceilings; nothing was measured.",
        "Measured numbers put together under an assumption, which the number's hover names.",
        "A fact that the plan, the driver or the compiler states; nothing was measured."};
    return kMeanings[int(evidence)];
}

void badge(const Theme &theme, Evidence evidence) {
    badge(theme, name_of(evidence), colour_of(theme, evidence));
    explain(theme, evidence, meaning_of(evidence));
}

void draw_mark(ImDrawList &draw, ImVec2 centre, float radius, ImU32 colour, Evidence evidence) {
    const float line = std::max(1.0f, radius * 0.35f);
    if (evidence == Evidence::Measured) {
        draw.AddCircleFilled(centre, radius, colour);
        return;
    }
    if (evidence == Evidence::Reported) {
        const float half = radius * 0.8f;
        draw.AddRect({centre.x - half, centre.y - half}, {centre.x + half, centre.y + half}, colour, 0, 0, line);
        return;
    }
    draw.AddCircle(centre, radius - line / 2, colour, 0, line);
    if (evidence != Evidence::Estimated)
        return;
    constexpr float kPi = 3.14159265f;
    draw.PathArcTo(centre, radius - line / 2, kPi / 2, 3 * kPi / 2);
    draw.PathFillConvex(colour);
}

float text_width(std::string_view words) { return size_of(words).x; }

void flow(float width, float gap) {
    const float end = ImGui::GetWindowPos().x + ImGui::GetWindowContentRegionMax().x;
    if (ImGui::GetItemRectMax().x + gap + width <= end)
        ImGui::SameLine(0, gap);
}

bool primary_button(const Theme &theme, const char *label, ImVec2 size) {
    const ImVec4 ground = mix(theme.accent, theme.background, theme.dark && !theme.high_contrast ? 0.35f : 0.0f);
    ImGui::PushStyleColor(ImGuiCol_Button, ground);
    const ImVec4 away = text_on(ground).x > 0 ? ImVec4(0, 0, 0, 1) : ImVec4(1, 1, 1, 1);
    ImGui::PushStyleColor(ImGuiCol_ButtonHovered, mix(ground, away, 0.12f)); // away from the text's colour
    ImGui::PushStyleColor(ImGuiCol_ButtonActive, mix(ground, away, 0.25f));
    ImGui::PushStyleColor(ImGuiCol_Text, text_on(ground));
    const bool clicked = ImGui::Button(label, size);
    ImGui::PopStyleColor(4);
    return clicked;
}

void empty_state(const Theme &theme, std::string_view title, std::string_view sentence,
                 std::initializer_list<EmptyButton> buttons) {
    const bool any = std::ranges::any_of(buttons, [](const EmptyButton &each) { return bool(each.press); });
    const ImVec2 room = ImGui::GetContentRegionAvail();
    const float unit = ImGui::GetFontSize();
    const float width = std::min(room.x, unit * 30.0f);
    const float text_height = size_of(broken(sentence, width)).y;
    const float height = unit + text_height + (any ? unit * 2.5f : 0.0f) + unit;
    const ImVec2 start = ImGui::GetCursorPos();
    const float left = start.x + (room.x - width) * 0.5f;
    ImGui::SetCursorPos({left, start.y + std::max(0.0f, (room.y - height) * 0.4f)});
    ImGui::BeginGroup();
    heading(title);
    ImGui::PushTextWrapPos(left + width);
    text(sentence, theme.muted);
    ImGui::PopTextWrapPos();
    if (any)
        ImGui::Spacing();
    bool first = true;
    for (const EmptyButton &each : buttons) {
        if (!each.press)
            continue;
        if (!first)
            ImGui::SameLine();
        if (std::exchange(first, false) ? primary_button(theme, each.label) : ImGui::Button(each.label))
            each.press();
    }
    ImGui::EndGroup();
}

bool empty_state(const Theme &theme, std::string_view title, std::string_view sentence, const char *button) {
    bool clicked = false;
    if (button)
        empty_state(theme, title, sentence, {{button, [&] { clicked = true; }}});
    else
        empty_state(theme, title, sentence, std::initializer_list<EmptyButton>{});
    return clicked;
}

namespace {

struct Sighting {
    Landmark where;
    int frame = -1;
    const ImGuiContext *context = nullptr;
};
std::map<std::string, Sighting, std::less<>> g_landmarks; // of the window's thread, as ImGui itself

void note_landmark(const char *name, ImVec2 low, ImVec2 high) {
    g_landmarks[name] = {{low, high}, ImGui::GetFrameCount(), ImGui::GetCurrentContext()};
}

} // namespace

void landmark(const char *name) { note_landmark(name, ImGui::GetItemRectMin(), ImGui::GetItemRectMax()); }

void window_landmark(const char *name) {
    const ImVec2 low = ImGui::GetWindowPos(), size = ImGui::GetWindowSize();
    note_landmark(name, low, {low.x + size.x, low.y + size.y});
}

std::optional<Landmark> find_landmark(std::string_view name) {
    const auto found = g_landmarks.find(name);
    if (found == g_landmarks.end() || found->second.context != ImGui::GetCurrentContext() ||
        found->second.frame + 1 < ImGui::GetFrameCount())
        return std::nullopt;
    return found->second.where;
}

std::string fitted(std::string_view words, float width) {
    if (size_of(words).x <= width)
        return std::string(words);
    const char *rest = nullptr;
    const std::string_view dots = "…";
    const ImFont *font = ImGui::GetFont();
    const float room = std::max(0.0f, width - size_of(dots).x);
    font->CalcTextSizeA(ImGui::GetFontSize(), room, 0.0f, begin_of(words), end_of(words), &rest);
    return std::string(begin_of(words), rest) + std::string(dots);
}

std::string broken(std::string_view words, float width) {
    std::string lines(words);
    std::size_t line = 0, last = std::string::npos; // where the line begins; its last space that a break may replace
    for (std::size_t i = 0; i <= lines.size(); ++i) {
        const bool ends = i == lines.size() || lines[i] == '\n';
        if (!ends && lines[i] != ' ')
            continue;
        if (last != std::string::npos && size_of(std::string_view(lines).substr(line, i - line)).x > width) {
            lines[last] = '\n';
            line = last + 1;
            last = std::string::npos;
        }
        if (ends) {
            line = i + 1;
            last = std::string::npos;
        } else if (i == 0 || !std::isdigit(static_cast<unsigned char>(lines[i - 1])) ||
                   !unit_follows(std::string_view(lines).substr(i)))
            last = i;
    }
    return lines;
}

std::string fitted_in_combo(std::string_view words) {
    return fitted(words, ImGui::CalcItemWidth() - ImGui::GetFrameHeight() - 2 * ImGui::GetStyle().FramePadding.x);
}

} // namespace moescope::ui
