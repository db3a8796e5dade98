#include "app/shell/shortcut.h"

#include <fmt/format.h>
#include <imgui_internal.h> // the events of a frame in their order

#include <algorithm>
#include <cctype>
#include <vector>

namespace moescope {

namespace {

struct KeyName {
    ImGuiKey key;
    std::string name;
    std::string word = {}; // what a sign may be written as, too
};

const std::vector<KeyName> &key_names() {
    static const std::vector<KeyName> names = [] {
        std::vector<KeyName> made = {
            {ImGuiKey_Comma, ",", "Comma"},  {ImGuiKey_Period, ".", "Period"},
            {ImGuiKey_Slash, "/", "Slash"},  {ImGuiKey_Backslash, "\\", "Backslash"},
            {ImGuiKey_Minus, "-", "Minus"},  {ImGuiKey_Equal, "=", "Equal"},
            {ImGuiKey_Semicolon, ";", "Semicolon"}, {ImGuiKey_Apostrophe, "'", "Apostrophe"},
            {ImGuiKey_LeftBracket, "["},     {ImGuiKey_RightBracket, "]"},
            {ImGuiKey_Home, "Home"},         {ImGuiKey_End, "End"},
            {ImGuiKey_PageUp, "PageUp"},     {ImGuiKey_PageDown, "PageDown"},
            {ImGuiKey_Insert, "Insert"},     {ImGuiKey_Delete, "Delete"},
            {ImGuiKey_Backspace, "Backspace"}, {ImGuiKey_Enter, "Enter"},
            {ImGuiKey_Escape, "Escape"},     {ImGuiKey_Tab, "Tab"},
            {ImGuiKey_Space, "Space"},       {ImGuiKey_LeftArrow, "Left"},
            {ImGuiKey_RightArrow, "Right"},  {ImGuiKey_UpArrow, "Up"},
            {ImGuiKey_DownArrow, "Down"}};
        for (int i = 0; i < 26; ++i)
            made.push_back({ImGuiKey(ImGuiKey_A + i), std::string(1, char('A' + i))});
        for (int i = 0; i < 10; ++i)
            made.push_back({ImGuiKey(ImGuiKey_0 + i), std::string(1, char('0' + i))});
        for (int i = 0; i < 12; ++i)
            made.push_back({ImGuiKey(ImGuiKey_F1 + i), fmt::format("F{}", i + 1)});
        return made;
    }();
    return names;
}

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

bool is_function_key(ImGuiKey key) { return key >= ImGuiKey_F1 && key <= ImGuiKey_F12; }

} // namespace

std::string text_of(const Shortcut &shortcut) {
    for (const KeyName &each : key_names())
        if (each.key == shortcut.key)
            return fmt::format("{}{}{}{}", shortcut.ctrl ? "Ctrl+" : "", shortcut.alt ? "Alt+" : "",
                               shortcut.shift ? "Shift+" : "", each.name);
    return {};
}

Result<Shortcut> parse_shortcut(std::string_view text) {
    const Error unknown{fmt::format("shortcut \"{}\"", text), "it is not a key with its modifiers",
                        "write it as Ctrl+Shift+Z or F5"};
    Shortcut shortcut;
    std::string_view rest = text;
    for (std::size_t plus = rest.find('+'); plus != std::string_view::npos; plus = rest.find('+')) {
        const std::string_view word = rest.substr(0, plus);
        bool *modifier = same_word(word, "Ctrl")    ? &shortcut.ctrl
                         : same_word(word, "Shift") ? &shortcut.shift
                         : same_word(word, "Alt")   ? &shortcut.alt
                                                    : nullptr;
        if (!modifier)
            return unknown;
        *modifier = true;
        rest.remove_prefix(plus + 1);
    }
    if (text.empty())
        return shortcut;
    for (const KeyName &each : key_names())
        if (same_word(each.name, rest) || (!each.word.empty() && same_word(each.word, rest))) {
            shortcut.key = each.key;
            return shortcut;
        }
    return unknown;
}

bool belongs_to_text(const Shortcut &shortcut) {
    if (is_function_key(shortcut.key) || shortcut.alt)
        return false;
    if (!shortcut.ctrl)
        return true;
    constexpr ImGuiKey kEditing[] = {
        ImGuiKey_Z,         ImGuiKey_Y,          ImGuiKey_A,      ImGuiKey_C,    ImGuiKey_V,
        ImGuiKey_X,         ImGuiKey_LeftArrow,  ImGuiKey_Home,   ImGuiKey_End,  ImGuiKey_Delete,
        ImGuiKey_Backspace, ImGuiKey_RightArrow, ImGuiKey_Insert, ImGuiKey_Enter};
    return std::find(std::begin(kEditing), std::end(kEditing), shortcut.key) != std::end(kEditing);
}

std::string refusal(const Shortcut &shortcut) {
    constexpr ImGuiKey kOwn[] = {ImGuiKey_Escape,    ImGuiKey_Enter,      ImGuiKey_Tab,
                                 ImGuiKey_Space,     ImGuiKey_LeftArrow,  ImGuiKey_RightArrow,
                                 ImGuiKey_UpArrow,   ImGuiKey_DownArrow,  ImGuiKey_Backspace};
    const bool own = std::find(std::begin(kOwn), std::end(kOwn), shortcut.key) != std::end(kOwn);
    if (own && !shortcut.ctrl && !shortcut.alt)
        return fmt::format("{} works the window itself: add Ctrl or Alt.", text_of(shortcut));
    return {};
}

namespace {

// With the modifiers as they were when the key went down: a quick hand, or a slow frame, lets go of Ctrl
// within the frame that sees the key.
Shortcut as_pressed(ImGuiKey key) {
    const ImGuiIO &io = ImGui::GetIO();
    Shortcut shortcut{key, io.KeyCtrl, io.KeyShift, io.KeyAlt};
    const ImVector<ImGuiInputEvent> &events = ImGui::GetCurrentContext()->InputEventsTrail;
    for (int i = events.Size; i-- > 0;) {
        if (events[i].Type != ImGuiInputEventType_Key)
            continue;
        const ImGuiInputEventKey &event = events[i].Key;
        if (event.Key == key && event.Down)
            break;
        if (event.Key == ImGuiMod_Ctrl)
            shortcut.ctrl = !event.Down;
        else if (event.Key == ImGuiMod_Shift)
            shortcut.shift = !event.Down;
        else if (event.Key == ImGuiMod_Alt)
            shortcut.alt = !event.Down;
    }
    return shortcut;
}

} // namespace

Shortcut pressed_shortcut() {
    for (const KeyName &each : key_names())
        if (ImGui::IsKeyPressed(each.key, /*repeat=*/false))
            return as_pressed(each.key);
    return {};
}

} // namespace moescope
