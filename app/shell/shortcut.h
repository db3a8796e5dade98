// A key with its modifiers, in words and from words: "Ctrl+Shift+Z".
#pragma once

#include "profiler/base/result.h"

#include <imgui.h>

#include <string>
#include <string_view>

namespace moescope {

struct Shortcut {
    ImGuiKey key = ImGuiKey_None;
    bool ctrl = false, shift = false, alt = false;

    bool empty() const { return key == ImGuiKey_None; }
    friend bool operator==(const Shortcut &, const Shortcut &) = default;
};

// "" for none.
std::string text_of(const Shortcut &shortcut);
// The case does not matter; "" is none. Errors: a key or modifier that is not known.
Result<Shortcut> parse_shortcut(std::string_view text);
// What a field of text takes for itself: plain letters, and Ctrl with Z, Y, A, C, V, X or an arrow.
bool belongs_to_text(const Shortcut &shortcut);
// Why it cannot be a command's own: Escape, Enter and the like work the window itself. "" where it can.
std::string refusal(const Shortcut &shortcut);

// What is pressed in this frame of the current ImGui context; none where nothing is.
Shortcut pressed_shortcut();

} // namespace moescope
