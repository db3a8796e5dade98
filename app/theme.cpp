#include "app/theme.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace moescope {

namespace {

ImVec4 parse_colour(const std::string &hex) {
    const unsigned long value = std::stoul(hex.substr(1), nullptr, 16);
    return {float((value >> 16) & 0xff) / 255.0f, float((value >> 8) & 0xff) / 255.0f,
            float(value & 0xff) / 255.0f, 1.0f};
}

} // namespace

Result<Theme> load_theme(const std::filesystem::path &file) {
    std::ifstream in(file);
    if (!in)
        return Error{fmt::format("theme {}", file.string()), "the file cannot be read", "check the assets folder"};
    try {
        const auto json = nlohmann::json::parse(in);
        auto colour = [&](const char *key) { return parse_colour(json.at(key).get<std::string>()); };
        Theme theme;
        theme.name = json.at("name");
        theme.dark = json.at("dark");
        theme.background = colour("background");
        theme.surface = colour("surface");
        theme.raised = colour("raised");
        theme.line = colour("line");
        theme.text = colour("text");
        theme.muted = colour("muted");
        theme.accent = colour("accent");
        theme.failure = colour("failure");
        theme.warning = colour("warning");
        theme.good = colour("good");
        for (std::size_t i = 0; i < theme.series.size(); ++i)
            theme.series[i] = parse_colour(json.at("series").at(i).get<std::string>());
        return theme;
    } catch (const std::exception &problem) {
        return Error{fmt::format("theme {}", file.string()), problem.what(), "compare it with assets/themes/dark.json"};
    }
}

void apply(const Theme &theme, float scale) {
    ImGuiStyle style;
    theme.dark ? ImGui::StyleColorsDark(&style) : ImGui::StyleColorsLight(&style);
    style.WindowRounding = style.ChildRounding = 0;
    style.FrameRounding = style.PopupRounding = style.GrabRounding = style.TabRounding = 4;
    style.WindowBorderSize = style.ChildBorderSize = style.FrameBorderSize = 0;
    style.WindowPadding = {12, 12};
    style.FramePadding = {8, 4};
    style.ItemSpacing = {8, 8};
    style.ItemInnerSpacing = {4, 4};
    auto set = [&](ImGuiCol slot, ImVec4 colour) { style.Colors[slot] = colour; };
    set(ImGuiCol_WindowBg, theme.background);
    set(ImGuiCol_ChildBg, theme.surface);
    set(ImGuiCol_PopupBg, theme.raised);
    set(ImGuiCol_Text, theme.text);
    set(ImGuiCol_TextDisabled, theme.muted);
    set(ImGuiCol_Border, theme.line);
    set(ImGuiCol_Separator, theme.line);
    set(ImGuiCol_FrameBg, theme.raised);
    style.ScaleAllSizes(scale);
    ImGui::GetStyle() = style;
}

} // namespace moescope
