#include "app/shell/system_look.h"

#include "app/shell/other_program.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace moescope {

namespace {

constexpr std::chrono::milliseconds kLimit{1000};

// Without one, some of the programs would start a bus of their own.
bool has_bus() {
    if (const char *address = std::getenv("DBUS_SESSION_BUS_ADDRESS"); address && *address)
        return true;
    const char *folder = std::getenv("XDG_RUNTIME_DIR");
    std::error_code problem;
    return folder && std::filesystem::exists(std::filesystem::path(folder) / "bus", problem);
}

std::vector<std::string> question(const std::string &key) {
    const std::string portal = "org.freedesktop.portal.Desktop", path = "/org/freedesktop/portal/desktop",
                      settings = "org.freedesktop.portal.Settings", space = "org.freedesktop.appearance";
    if (has_program("gdbus"))
        return {"gdbus", "call", "--session", "--dest", portal, "--object-path", path,
                "--method", settings + ".Read", space, key};
    if (has_program("busctl"))
        return {"busctl", "--user", "call", portal, path, settings, "Read", "ss", space, key};
    if (has_program("dbus-send"))
        return {"dbus-send", "--session", "--print-reply=literal", "--dest=" + portal, path,
                settings + ".Read", "string:" + space, "string:" + key};
    return {};
}

std::optional<int> ask(const std::string &key, const std::stop_token &stop) {
    const std::vector<std::string> argv = question(key);
    if (argv.empty())
        return std::nullopt;
    const auto answer = ask_program(argv, kLimit, stop);
    return answer && answer->good() ? number_in_answer(answer->output) : std::nullopt;
}

} // namespace

// "(<<uint32 1>>,)", "v v u 1", "   variant       variant          uint32 1": the last number.
std::optional<int> number_in_answer(std::string_view answer) {
    const std::size_t end = answer.find_last_of("0123456789");
    if (end == answer.npos)
        return std::nullopt;
    std::size_t begin = end;
    while (begin > 0 && std::isdigit(static_cast<unsigned char>(answer[begin - 1])))
        --begin;
    if (begin > 0 && answer[begin - 1] != ' ')
        return std::nullopt; // part of a word, as in an error message
    int value = 0;
    const auto [rest, problem] = std::from_chars(answer.data() + begin, answer.data() + end + 1, value);
    return problem == std::errc() ? std::optional(value) : std::nullopt;
}

SystemLook ask_system_look(const std::stop_token &stop) {
    SystemLook look;
    if (!has_bus())
        return look;
    const auto scheme = ask("color-scheme", stop); // 1: dark, 2: light, else no preference
    if (scheme && (*scheme == 1 || *scheme == 2))
        look.dark = *scheme == 1;
    if (scheme) // a portal that answers
        look.high_contrast = ask("contrast", stop) == 1;
    return look;
}

std::string theme_for(const SystemLook &look) {
    const bool dark = look.dark.value_or(true);
    if (look.high_contrast)
        return dark ? "high-contrast" : "high-contrast-light";
    return dark ? "dark" : "light";
}

} // namespace moescope
