#include "app/views/number.h"

#include "app/views/number_audit.h"
#include "app/views/ui.h"

#include <cmath>
#include <utility>

namespace moescope::ui {

namespace {

std::string g_recorded; // of the frame

// The badge, and below it the words.
void say(const Theme &theme, Evidence evidence, std::string_view words) {
    mark(theme, evidence);
    ImGui::SameLine(0, ImGui::GetFontSize() * 0.3f);
    text(name_of(evidence), colour_of(theme, evidence));
    if (!g_recorded.empty() && evidence != Evidence::Modelled) {
        ImGui::SameLine();
        text(g_recorded, theme.warning);
    }
    text(words);
    note_hover(words, evidence);
}

constexpr Evidence kKinds[] = {Evidence::Measured, Evidence::Modelled, Evidence::Estimated, Evidence::Reported};

} // namespace

void number(const Theme &theme, const Number &number, const ImVec4 &colour) {
    right_aligned(number.text, colour);
    explain(theme, number.evidence, number.words);
}

void number(const Theme &theme, const Number &shown) {
    number(theme, shown, shown.text == "–" ? theme.muted : theme.text);
}

void mark(const Theme &theme, Evidence evidence) {
    const float line = ImGui::GetTextLineHeight(), radius = std::round(line * 0.22f);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::Dummy({std::round(line * 0.7f), line});
    draw_mark(*ImGui::GetWindowDrawList(), {at.x + line * 0.35f, at.y + line * 0.52f}, radius,
              packed(colour_of(theme, evidence)), evidence);
}

void tooltip(const Theme &theme, Evidence evidence, std::string_view words) {
    if (words.empty() || !begin_tooltip())
        return;
    say(theme, evidence, words);
    end_tooltip();
}

void tooltip(const Theme &theme, std::string_view title, std::span<const Fact> facts) {
    if (facts.empty() || !begin_tooltip())
        return;
    text(title);
    for (const Fact &fact : facts) {
        ImGui::Spacing();
        say(theme, fact.evidence, fact.words);
    }
    end_tooltip();
}

std::string text_of(std::string_view title, std::span<const Fact> facts) {
    std::string all(title);
    for (const Fact &fact : facts)
        all += (all.empty() ? "" : "\n") + fact.words;
    return all;
}

void explain(const Theme &theme, Evidence evidence, std::string_view words) {
    note_explained(words, evidence);
    if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayShort | ImGuiHoveredFlags_AllowWhenDisabled))
        tooltip(theme, evidence, words);
}

void numbers_are_recorded(std::string when_and_where) { g_recorded = std::move(when_and_where); }

void legend(const Theme &theme) {
    for (const Evidence evidence : kKinds) {
        mark(theme, evidence);
        ImGui::SameLine(0, ImGui::GetFontSize() * 0.3f);
        text(name_of(evidence), colour_of(theme, evidence));
        ImGui::SameLine(ImGui::GetFontSize() * 7);
        text(meaning_of(evidence));
    }
    badge("Recorded", theme.warning);
    ImGui::SameLine(ImGui::GetFontSize() * 7);
    text("Read from a file: measured then and there, not on this machine now.");
}

} // namespace moescope::ui
