#include "app/views/number_audit.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace moescope::ui {

namespace {

NumberAudit *g_audit = nullptr;

constexpr std::array<std::string_view, 37> kUnits = {
    "ns",     "µs",     "ms",      "s",       "B",       "kB",      "MB",   "GB",  "TB",  "PB",
    "B/s",    "kB/s",   "MB/s",    "GB/s",    "TB/s",    "FLOP/s",  "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s",
    "PFLOP/s", "FLOP",  "MFLOP",   "GFLOP",   "TFLOP",   "%",       "×",    "W",   "MHz", "GHz",
    "°C",     "kernels", "launches", "samples", "slots", "repetitions", "tokens"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The end of the number that begins here: digits, grouping commas, a point, an exponent.
std::size_t number_end(std::string_view words, std::size_t at) {
    while (at < words.size() && (is_digit(words[at]) || ((words[at] == '.' || words[at] == ',') && at + 1 < words.size() &&
                                                        is_digit(words[at + 1]))))
        ++at;
    if (at + 2 < words.size() && words[at] == 'e' && (words[at + 1] == '-' || words[at + 1] == '+') &&
        is_digit(words[at + 2])) {
        at += 2;
        while (at < words.size() && is_digit(words[at]))
            ++at;
    }
    return at;
}

// Nothing but digits and signs: "16,384", "±1.2e-3", "12 – 15".
bool only_number(std::string_view words) {
    bool digits = false;
    for (std::size_t i = 0; i < words.size();) {
        if (is_digit(words[i])) {
            digits = true;
            i = number_end(words, i);
            continue;
        }
        constexpr std::array<std::string_view, 10> kSigns = {" ", "±", "–", "−", "-", "+", "~", "≥", "≤", "·"};
        const auto sign = std::ranges::find_if(
            kSigns, [&](std::string_view s) { return words.substr(i).starts_with(s); });
        if (sign == kSigns.end())
            return false;
        i += sign->size();
    }
    return digits;
}

} // namespace

bool unit_follows(std::string_view rest) {
    if (rest.starts_with("×") || rest.starts_with("%"))
        return true;
    constexpr std::string_view kUnbroken = "\u00a0";
    if (!rest.starts_with(' ') && !rest.starts_with(kUnbroken))
        return false;
    rest.remove_prefix(rest.starts_with(' ') ? 1 : kUnbroken.size());
    return std::ranges::any_of(kUnits, [&](std::string_view unit) {
        return rest.starts_with(unit) && (rest.size() == unit.size() || !in_word(rest[unit.size()]));
    });
}

bool shows_number(std::string_view words) {
    if (only_number(words))
        return true;
    for (std::size_t i = 0; i < words.size();) {
        if (!is_digit(words[i]) || (i > 0 && (in_word(words[i - 1]) || words[i - 1] == '.'))) {
            ++i;
            continue;
        }
        i = number_end(words, i);
        if (unit_follows(words.substr(i)))
            return true;
    }
    return false;
}

NumberAudit::NumberAudit() { g_audit = this; }
NumberAudit::~NumberAudit() { g_audit = nullptr; }

void note_shown(std::string_view text) { note_shown(text, ImGui::GetItemRectMin(), ImGui::GetItemRectMax()); }

void note_shown(std::string_view text, ImVec2 low, ImVec2 high) {
    if (g_audit && shows_number(text))
        g_audit->shown.push_back({std::string(text), low, high, {}, {}, {}});
}

void note_hover(std::string_view words, std::optional<Evidence> evidence) {
    if (g_audit && !words.empty())
        g_audit->hovers.push_back({std::string(words), evidence});
}

void note_chart(std::string_view name, ImVec2 low, ImVec2 high) {
    if (g_audit)
        g_audit->charts.push_back({std::string(name), low, high, ImGui::GetWindowDrawList()});
}

// The words are about every number within the item: a row's group holds its label and its value.
void note_explained(std::string_view words, std::optional<Evidence> evidence) {
    note_explained(words, evidence, ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
}

void note_explained(std::string_view words, std::optional<Evidence> evidence, ImVec2 low, ImVec2 high) {
    if (!g_audit || words.empty())
        return;
    for (NumberAudit::Shown &each : g_audit->shown) {
        const float x = (each.low.x + each.high.x) / 2, y = (each.low.y + each.high.y) / 2;
        if (x < low.x || x > high.x || y < low.y || y > high.y)
            continue;
        each.explained = true;
        each.words = words;
        if (evidence)
            each.evidence = evidence;
    }
}

} // namespace moescope::ui
