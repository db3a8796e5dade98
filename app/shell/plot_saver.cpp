#include "app/shell/plot_saver.h"

#include "app/views/ui.h"
#include "profiler/export/replace_file.h"

#include <imgui_stdlib.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>

namespace moescope {

namespace {

constexpr float kPngFactor = 2;
constexpr const char *kTitle = "Save the plot";

} // namespace

Status write_plot(const PlotPlace &plot, PlotFormat format, const ImDrawData &frame, const Theme &theme, float scale,
                  const FontFiles &fonts, const std::filesystem::path &path) {
    if (format == PlotFormat::Csv)
        return replace_file(path, Compression::None, [&](std::ostream &out) { out << plot.csv; });
    const Drawing drawing = drawing_of(plot, frame, theme, scale);
    if (format == PlotFormat::Png)
        return write_png(to_image(drawing, kPngFactor, fonts), path);
    return replace_file(path, Compression::None, [&](std::ostream &out) { out << to_svg(drawing, plot.title, fonts.family); });
}

void PlotSaver::draw(const Theme &theme, float scale, const std::filesystem::path &folder) {
    if (plots.wish) {
        wish_ = *std::exchange(plots.wish, {});
        path_ = (folder / (wish_.name + extension_of(wish_.format))).string();
        outcome_.clear();
        open_ = true;
        ImGui::OpenPopup(kTitle);
    }
    if (!open_)
        return;
    const ImVec2 middle = ImGui::GetMainViewport()->GetCenter();
    ImGui::SetNextWindowPos(middle, ImGuiCond_Appearing, {0.5f, 0.5f});
    ImGui::SetNextWindowSize({std::round(520 * scale), 0});
    if (!ImGui::BeginPopupModal(kTitle, &open_, ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoSavedSettings))
        return;
    if (ImGui::IsWindowAppearing())
        ImGui::SetKeyboardFocusHere();
    ImGui::SetNextItemWidth(-1);
    const bool entered = ImGui::InputText("##path", &path_, ImGuiInputTextFlags_EnterReturnsTrue);
    if (!outcome_.empty())
        ui::wrapped(outcome_, good_ ? theme.good : theme.failure);
    if ((ui::primary_button(theme, "Save") || entered) && !path_.empty())
        due_ = true;
    ImGui::SameLine();
    if (ImGui::Button(good_ && !outcome_.empty() ? "Close" : "Leave") || ImGui::IsKeyPressed(ImGuiKey_Escape)) {
        open_ = false;
        ImGui::CloseCurrentPopup();
    }
    ImGui::EndPopup();
}

void PlotSaver::take(const ImDrawData &frame, const Theme &theme, float scale, const FontFiles &fonts) {
    due_ = false;
    const auto plot = std::find_if(plots.drawn.begin(), plots.drawn.end(),
                                   [&](const PlotPlace &each) { return each.name == wish_.name; });
    Status written = Error{"the plot was not saved", "it is no longer shown", "open its view again"};
    if (plot != plots.drawn.end())
        written = write_plot(*plot, wish_.format, frame, theme, scale, fonts, path_);
    good_ = written.ok();
    outcome_ = good_ ? fmt::format("Saved as {}.", path_) : written.error().sentence();
}

} // namespace moescope
