#include "app/views/number.h"

#include "app/views/number_audit.h"
#include "app/views/ui.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace moescope::ui {

namespace {

std::string g_recorded; // of the frame

// The badge, and close below it the words. A hover tells once when and where its recording was made.
void say(const Theme &theme, Evidence evidence, std::string_view words, bool &told) {
    const ImVec2 spacing = ImGui::GetStyle().ItemSpacing;
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {spacing.x, std::round(ImGui::GetFontSize() * 0.15f)});
    mark(theme, evidence);
    ImGui::SameLine(0, ImGui::GetFontSize() * 0.3f);
    text(name_of(evidence), colour_of(theme, evidence));
    if (!g_recorded.empty() && evidence != Evidence::Modelled && !std::exchange(told, true)) {
        ImGui::SameLine();
        text(g_recorded, theme.warning);
    }
    text(words);
    note_hover(words, evidence);
    ImGui::PopStyleVar();
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
    bool told = false;
    say(theme, evidence, words, told);
    end_tooltip();
}

void tooltip(const Theme &theme, std::string_view title, std::span<const Fact> facts) {
    if (facts.empty() || !begin_tooltip())
        return;
    if (!title.empty())
        text(title);
    bool told = false;
    for (const Fact &fact : facts) {
        ImGui::Spacing();
        say(theme, fact.evidence, fact.words, told);
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

namespace {

// Where the lines of wrapped words begin and end, as ImGui wraps them.
std::vector<std::pair<const char *, const char *>> lines_of(const std::string &words, float width) {
    std::vector<std::pair<const char *, const char *>> lines;
    const char *at = words.data(), *const end = at + words.size();
    while (at < end) {
        const char *stop = ImGui::GetFont()->CalcWordWrapPositionA(1.0f, at, std::find(at, end, '\n'), width);
        if (stop == at)
            ++stop;
        lines.emplace_back(at, stop);
        at = stop;
        while (at < end && (*at == ' ' || *at == '\t'))
            ++at;
        if (at < end && *at == '\n')
            ++at;
    }
    return lines;
}

void draw_dots(ImVec2 from, float to, ImU32 colour) {
    const float step = std::max(2.0f, std::round(ImGui::GetFontSize() * 0.2f)), side = std::max(1.0f, std::round(step / 3));
    for (float x = from.x; x + side <= to; x += step)
        ImGui::GetWindowDrawList()->AddRectFilled({x, from.y}, {x + side, from.y + side}, colour);
}

} // namespace

void prose(const Theme &theme, const std::string &unbroken, std::span<const ProseValue> values, float width) {
    const std::string words = broken(unbroken, width);
    const ImVec2 start = ImGui::GetCursorScreenPos();
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
    ImGui::TextUnformatted(words.data(), words.data() + words.size());
    ImGui::PopTextWrapPos();
    if (values.empty())
        return;
    const auto lines = lines_of(words, width);
    const float height = ImGui::GetTextLineHeight();
    const auto wide = [](const char *from, const char *to) { return ImGui::CalcTextSize(from, to).x; };
    for (const ProseValue &value : values) {
        const char *begin = words.data() + value.begin, *end = words.data() + value.end;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            if (begin < lines[i].first || begin >= lines[i].second)
                continue;
            const ImVec2 low{std::floor(start.x) + wide(lines[i].first, begin), start.y + height * float(i)};
            const ImVec2 high{low.x + wide(begin, std::min(end, lines[i].second)), low.y + height};
            draw_dots({low.x, high.y - 1}, high.x, packed(colour_of(theme, value.fact.evidence)));
            note_shown({begin, end}, low, high);
            note_explained(value.fact.words, value.fact.evidence, low, high);
            if (ImGui::IsWindowHovered() && ImGui::IsMouseHoveringRect(low, high))
                tooltip(theme, value.fact.evidence, value.fact.words);
        }
    }
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
    badge(theme, "Recorded", theme.warning);
    ImGui::SameLine(ImGui::GetFontSize() * 7);
    text("Read from a file: measured then and there, not on this machine now.");
}

} // namespace moescope::ui
