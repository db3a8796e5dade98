#include "app/theme.h"

#include "app/embedded_themes.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <system_error>
#include <tuple>

namespace moescope {

namespace {

struct ColourKey {
    const char *key;
    ImVec4 Theme::*member;
};
constexpr ColourKey kColours[] = {
    {"background", &Theme::background},
    {"surface", &Theme::surface},
    {"raised", &Theme::raised},
    {"line", &Theme::line},
    {"grid", &Theme::grid},
    {"text", &Theme::text},
    {"muted", &Theme::muted},
    {"accent", &Theme::accent},
    {"failure", &Theme::failure},
    {"warning", &Theme::warning},
    {"good", &Theme::good},
};

ImVec4 rgb(unsigned value) {
    return {float((value >> 16) & 0xff) / 255.0f, float((value >> 8) & 0xff) / 255.0f,
            float(value & 0xff) / 255.0f, 1.0f};
}

std::optional<ImVec4> parse_colour(std::string_view text) {
    if (text.size() != 7 || text[0] != '#')
        return std::nullopt;
    unsigned value = 0;
    const auto [end, problem] = std::from_chars(text.data() + 1, text.data() + 7, value, 16);
    if (problem != std::errc() || end != text.data() + 7)
        return std::nullopt;
    return rgb(value);
}

// Reads one theme object key by key; keeps the first thing that is wrong.
class ThemeReader {
  public:
    ThemeReader(const nlohmann::json &json, std::string origin)
        : json_(json), origin_(std::move(origin)) {}

    const nlohmann::json *find(const char *key, const char *wanted,
                               bool right_type(const nlohmann::json &)) {
        const auto found = json_.find(key);
        if (found != json_.end() && right_type(*found))
            return &*found;
        fail(found == json_.end() ? fmt::format("there is no \"{}\"", key)
                                  : fmt::format("\"{}\" is {}", key, shown(*found)),
             fmt::format("give {}", wanted));
        return nullptr;
    }

    void colour(const nlohmann::json &value, const std::string &key, ImVec4 &out) {
        const auto parsed =
            value.is_string() ? parse_colour(value.get_ref<const std::string &>()) : std::nullopt;
        if (parsed)
            out = *parsed;
        else
            fail(fmt::format("\"{}\" is {}", key, shown(value)), "give a colour as \"#rrggbb\"");
    }

    void fail(std::string why, std::string remedy) {
        if (!error_)
            error_ = Error{fmt::format("theme {}", origin_), std::move(why), std::move(remedy)};
    }
    const std::optional<Error> &error() const { return error_; }

  private:
    static std::string shown(const nlohmann::json &value) {
        std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        return text.size() <= 40 ? text : text.substr(0, 37) + "...";
    }

    const nlohmann::json &json_;
    std::string origin_;
    std::optional<Error> error_;
};

void read_colours(ThemeReader &reader, const nlohmann::json &list, const char *key, ImVec4 *out) {
    for (std::size_t i = 0; i < list.size(); ++i)
        reader.colour(list[i], fmt::format("{}[{}]", key, i), out[i]);
}

void read_palettes(ThemeReader &reader, Theme &theme) {
    if (const auto *series =
            reader.find("series", "a list of 8 colours",
                        [](const nlohmann::json &v) { return v.is_array() && v.size() == 8; }))
        read_colours(reader, *series, "series", theme.series.data());
    if (const auto *scale = reader.find(
            "scale", "a list of 2 to 256 colours", [](const nlohmann::json &v) {
                return v.is_array() && v.size() >= 2 && v.size() <= 256;
            })) {
        theme.scale.resize(scale->size());
        read_colours(reader, *scale, "scale", theme.scale.data());
    }
}

bool is_key(const std::string &key) {
    constexpr std::string_view kOthers[] = {"name", "dark", "high_contrast", "series", "scale"};
    return std::ranges::any_of(kColours, [&](const ColourKey &c) { return key == c.key; }) ||
           std::ranges::any_of(kOthers, [&](std::string_view other) { return key == other; });
}

} // namespace

Result<Theme> parse_theme(std::string_view text, const std::string &origin) {
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object())
        return Error{fmt::format("theme {}", origin), "it is not a JSON object",
                     "compare it with assets/themes/dark.json"};
    Theme theme;
    ThemeReader reader(json, origin);
    if (const auto *name = reader.find("name", "a name in quotes",
                                       [](const nlohmann::json &v) { return v.is_string(); }))
        theme.name = name->get<std::string>();
    if (const auto *dark = reader.find("dark", "true or false",
                                       [](const nlohmann::json &v) { return v.is_boolean(); }))
        theme.dark = dark->get<bool>();
    if (const auto *high = reader.find("high_contrast", "true or false",
                                       [](const nlohmann::json &v) { return v.is_boolean(); }))
        theme.high_contrast = high->get<bool>();
    for (const auto &[key, member] : kColours)
        if (const auto *value = reader.find(key, "a colour as \"#rrggbb\"",
                                            [](const nlohmann::json &) { return true; }))
            reader.colour(*value, key, theme.*member);
    read_palettes(reader, theme);
    for (const auto &entry : json.items())
        if (!is_key(entry.key()))
            reader.fail(fmt::format("there is no colour \"{}\"", entry.key()),
                        "remove it, or correct its spelling");
    if (reader.error())
        return *reader.error();
    return theme;
}

Result<Theme> load_theme(const std::filesystem::path &file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
        return Error{fmt::format("theme {}", file.string()), "the file cannot be read",
                     "check the assets folder"};
    return parse_theme(text.str(), file.string());
}

Theme built_in_theme(bool dark) {
    const std::string_view wanted = dark ? "dark.json" : "light.json";
    for (int i = 0; i < kEmbeddedThemeCount; ++i)
        if (kEmbeddedThemes[i].name == wanted)
            if (auto theme = parse_theme(kEmbeddedThemes[i].text, kEmbeddedThemes[i].name))
                return std::move(*theme);
    return {}; // a test holds the embedded ones to be there
}

std::vector<ThemeChoice> themes_in(const std::filesystem::path &folder) {
    struct Found {
        ThemeChoice choice;
        bool high_contrast, dark;
    };
    std::vector<Found> found;
    std::error_code problem;
    for (const auto &entry : std::filesystem::directory_iterator(folder, problem)) {
        if (entry.path().extension() != ".json")
            continue;
        if (auto theme = load_theme(entry.path()))
            found.push_back({{entry.path().stem().string(), theme->name}, theme->high_contrast, theme->dark});
    }
    std::ranges::sort(found, {}, [](const Found &f) {
        return std::tuple(f.high_contrast, !f.dark, f.choice.name);
    });
    std::vector<ThemeChoice> choices;
    for (Found &each : found)
        choices.push_back(std::move(each.choice));
    return choices;
}

ImU32 packed(const ImVec4 &colour, float alpha) {
    return ImGui::ColorConvertFloat4ToU32({colour.x, colour.y, colour.z, colour.w * alpha});
}

ImVec4 mix(const ImVec4 &a, const ImVec4 &b, float t) {
    return {a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t, a.z + (b.z - a.z) * t,
            a.w + (b.w - a.w) * t};
}

namespace {

void set_sizes(ImGuiStyle &style) {
    style.WindowRounding = style.ChildRounding = 0;
    style.FrameRounding = style.PopupRounding = style.GrabRounding = style.TabRounding = 4;
    style.ScrollbarRounding = 4;
    style.WindowBorderSize = style.ChildBorderSize = style.FrameBorderSize = 0;
    style.PopupBorderSize = 1;
    style.TabBarBorderSize = 1;
    style.WindowPadding = {12, 12};
    style.FramePadding = {8, 4};
    style.CellPadding = {8, 4};
    style.ItemSpacing = {8, 8};
    style.ItemInnerSpacing = {6, 4};
    style.ScrollbarSize = 12;
    style.GrabMinSize = 12;
    style.IndentSpacing = 16;
    style.HoverStationaryDelay = 0.05f;
    style.HoverDelayShort = 0.15f;
}

void set_colours(ImGuiStyle &style, const Theme &theme) {
    const auto set = [&](ImGuiCol slot, ImVec4 colour, float alpha = 1.0f) {
        colour.w *= alpha;
        style.Colors[slot] = colour;
    };
    const ImVec4 hover = mix(theme.raised, theme.text, 0.10f),
                 active = mix(theme.raised, theme.accent, 0.35f);
    set(ImGuiCol_WindowBg, theme.background);
    set(ImGuiCol_ChildBg, theme.background, 0.0f);
    set(ImGuiCol_PopupBg, mix(theme.surface, theme.raised, theme.dark ? 0.5f : 0.0f));
    set(ImGuiCol_Text, theme.text);
    set(ImGuiCol_TextDisabled, theme.muted);
    set(ImGuiCol_TextSelectedBg, theme.accent, 0.35f);
    set(ImGuiCol_Border, theme.line);
    set(ImGuiCol_Separator, theme.line);
    set(ImGuiCol_SeparatorHovered, theme.accent);
    set(ImGuiCol_SeparatorActive, theme.accent);
    set(ImGuiCol_FrameBg, theme.raised);
    set(ImGuiCol_FrameBgHovered, hover);
    set(ImGuiCol_FrameBgActive, hover);
    set(ImGuiCol_Button, theme.raised);
    set(ImGuiCol_ButtonHovered, hover);
    set(ImGuiCol_ButtonActive, active);
    set(ImGuiCol_CheckMark, theme.accent);
    set(ImGuiCol_SliderGrab, theme.accent);
    set(ImGuiCol_SliderGrabActive, mix(theme.accent, theme.text, 0.25f));
    set(ImGuiCol_Header, theme.accent, theme.dark ? 0.18f : theme.high_contrast ? 0.10f : 0.14f);
    set(ImGuiCol_HeaderHovered, theme.accent, 0.10f);
    set(ImGuiCol_HeaderActive, theme.accent, 0.30f);
    set(ImGuiCol_Tab, theme.background);
    set(ImGuiCol_TabHovered, hover);
    set(ImGuiCol_TabActive, theme.raised);
    set(ImGuiCol_TabUnfocused, theme.background);
    set(ImGuiCol_TabUnfocusedActive, theme.raised);
    set(ImGuiCol_ScrollbarBg, theme.background, 0.0f);
    set(ImGuiCol_ScrollbarGrab, theme.line);
    set(ImGuiCol_ScrollbarGrabHovered, mix(theme.line, theme.text, 0.2f));
    set(ImGuiCol_ScrollbarGrabActive, mix(theme.line, theme.text, 0.3f));
    set(ImGuiCol_TableHeaderBg, theme.surface);
    set(ImGuiCol_TableBorderStrong, theme.line);
    set(ImGuiCol_TableBorderLight, theme.line, 0.6f);
    set(ImGuiCol_TableRowBg, theme.background, 0.0f);
    set(ImGuiCol_TableRowBgAlt, theme.text, 0.025f);
    set(ImGuiCol_PlotHistogram, theme.accent);
    set(ImGuiCol_NavHighlight, theme.accent);
    for (const ImGuiCol title : {ImGuiCol_TitleBg, ImGuiCol_TitleBgActive, ImGuiCol_TitleBgCollapsed, ImGuiCol_MenuBarBg})
        set(title, theme.raised);
    set(ImGuiCol_ResizeGrip, theme.line);
    set(ImGuiCol_ResizeGripHovered, theme.accent);
    set(ImGuiCol_ResizeGripActive, theme.accent);
    set(ImGuiCol_PlotLines, theme.accent);
    set(ImGuiCol_PlotLinesHovered, theme.text);
    set(ImGuiCol_PlotHistogramHovered, theme.text);
    set(ImGuiCol_DragDropTarget, theme.accent);
    set(ImGuiCol_NavWindowingHighlight, theme.accent, 0.7f);
    set(ImGuiCol_NavWindowingDimBg, theme.background, 0.6f);
    set(ImGuiCol_ModalWindowDimBg, theme.background, 0.6f);
}

} // namespace

void apply(const Theme &theme, float scale) {
    ImGuiStyle style;
    theme.dark ? ImGui::StyleColorsDark(&style) : ImGui::StyleColorsLight(&style);
    set_sizes(style);
    set_colours(style, theme);
    style.ScaleAllSizes(scale);
    style.PopupBorderSize = style.TabBarBorderSize = std::max(1.0f, std::round(scale));
    if (theme.high_contrast)
        style.FrameBorderSize = style.TabBorderSize = style.PopupBorderSize;
    ImGui::GetStyle() = style;
}

} // namespace moescope
