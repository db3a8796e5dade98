#include "app/views/inspector_rows.h"

#include "app/views/number.h"
#include "app/views/ui.h"

#include <algorithm>
#include <cmath>

namespace moescope {

void InspectorRows::section(std::string_view words, std::optional<Evidence> evidence) const {
    ImGui::Dummy({0, std::round(8 * scale_)});
    ui::small(words, theme_.accent);
    if (!evidence)
        return;
    ImGui::SameLine();
    ui::badge(theme_, *evidence);
}

void InspectorRows::row(std::string_view label, const std::string &value, std::optional<Evidence> evidence) const {
    if (evidence)
        ui::mark(theme_, *evidence);
    else
        ImGui::Dummy({std::round(ImGui::GetTextLineHeight() * 0.7f), 0}); // labels stand under each other
    ImGui::SameLine(0, std::round(4 * scale_));
    ui::text(label, theme_.muted);
    const float width = ui::text_width(value);
    ui::flow(width, ImGui::GetStyle().ItemSpacing.x);
    if (width <= ImGui::GetContentRegionAvail().x)
        ui::right_aligned(value);
    else
        ui::wrapped(value, theme_.text);
}

void InspectorRows::property(std::string_view label, const std::string &value,
                             std::string_view explanation, std::optional<Evidence> evidence) const {
    ImGui::BeginGroup();
    row(label, value, evidence);
    ImGui::EndGroup();
    if (evidence)
        ui::explain(theme_, *evidence, explanation);
    else
        ui::explain(explanation);
}

void InspectorRows::bar(std::string_view label, const std::string &value, double share,
                        std::string_view explanation, std::optional<double> mark, Evidence evidence) const {
    ImGui::BeginGroup();
    row(label, value, evidence);
    const float height = std::round(3 * scale_), width = ImGui::GetContentRegionAvail().x;
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const auto x = [&](double part) {
        return std::round(at.x + width * float(std::clamp(part, 0.0, 1.0)));
    };
    auto *draw = ImGui::GetWindowDrawList();
    draw->AddRectFilled(at, {at.x + width, at.y + height}, packed(theme_.line, 0.6f), height / 2);
    if (share > 0)
        draw->AddRectFilled(at, {std::max(x(share), at.x + height), at.y + height},
                            packed(theme_.accent, 0.9f), height / 2);
    if (mark)
        draw->AddLine({x(*mark), at.y - height}, {x(*mark), at.y + 2 * height}, packed(theme_.text),
                      std::max(1.0f, std::round(1.5f * scale_)));
    ImGui::Dummy({width, height + std::round(2 * scale_)});
    ImGui::EndGroup();
    ui::explain(theme_, evidence, explanation);
}

} // namespace moescope
