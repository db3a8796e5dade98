// Whether the desktop asks for a dark or a light look, and for high contrast: what xdg-desktop-portal
// says (org.freedesktop.appearance), asked through a program that speaks D-Bus.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace moescope {

// The name in the settings that means: as the desktop.
inline constexpr const char *kSystemTheme = "system";

struct SystemLook {
    std::optional<bool> dark; // nothing: the desktop has no wish
    bool high_contrast = false;
    bool operator==(const SystemLook &) const = default;
};

// The number in what gdbus, busctl or dbus-send prints for a setting of the portal.
std::optional<int> number_in_answer(std::string_view answer);
// Takes milliseconds where there is a desktop, and at most two seconds. No bus: no wish.
SystemLook ask_system_look(const std::stop_token &stop);
// The theme for it: "dark" where there is no wish.
std::string theme_for(const SystemLook &look);

} // namespace moescope
