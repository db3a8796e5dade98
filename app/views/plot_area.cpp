#include "app/views/plot_area.h"

#include "app/views/number_audit.h"

#include <imgui_internal.h> // the windows that a plot's own lists belong to

#include <algorithm>
#include <cmath>
#include <utility>

namespace moescope {

namespace {

constexpr float kClickSlack = 4; // pixels: a right drag zooms on a box

// The frames of a quick drag can hold its moves and the release together: then only where it began
// and where it ended tell it from a click.
bool right_clicked() {
    const ImGuiIO &io = ImGui::GetIO();
    const ImVec2 from = io.MouseClickedPos[ImGuiMouseButton_Right];
    const float x = io.MousePos.x - from.x, y = io.MousePos.y - from.y;
    return ImGui::IsMouseReleased(ImGuiMouseButton_Right) &&
           std::max(io.MouseDragMaxDistanceSqr[ImGuiMouseButton_Right], x * x + y * y) < kClickSlack * kClickSlack;
}

bool belongs_to(const ImGuiWindow *window, const ImGuiWindow *plot) {
    constexpr ImGuiWindowFlags kAbove = ImGuiWindowFlags_Popup | ImGuiWindowFlags_Tooltip | ImGuiWindowFlags_Modal;
    for (; window; window = window->ParentWindow) {
        if (window == plot)
            return true;
        if ((window->Flags & kAbove) != 0 || (window->Flags & ImGuiWindowFlags_ChildWindow) == 0)
            return false;
    }
    return false;
}

} // namespace

const char *extension_of(PlotFormat format) {
    return format == PlotFormat::Png ? ".png" : format == PlotFormat::Svg ? ".svg" : ".csv";
}

PlotArea::PlotArea(const ViewContext &context, std::string name, std::string title, std::function<std::string()> csv)
    : context_(context), place_{std::move(name), std::move(title), {}, ImGui::GetCurrentWindow(), {}},
      csv_(std::move(csv)) {
    ImGui::BeginGroup();
}

PlotArea::~PlotArea() {
    ImGui::EndGroup();
    const ImVec2 low = ImGui::GetItemRectMin(), high = ImGui::GetItemRectMax();
    ui::note_chart(place_.name, low, high);
    place_.area = {{std::floor(low.x), std::floor(low.y)}, {std::ceil(high.x), std::ceil(high.y)}};
    if (!context_.plots)
        return;
    offer(place_.area);
    if (context_.plots->with_data)
        place_.csv = csv_();
    context_.plots->drawn.push_back(std::move(place_));
}

void PlotArea::offer(const DrawnRect &area) {
    ImGui::PushID(place_.name.c_str());
    if (right_clicked() && ImGui::IsMouseHoveringRect(area.low, area.high) &&
        ImGui::IsWindowHovered(ImGuiHoveredFlags_ChildWindows))
        ImGui::OpenPopup("plot");
    if (ImGui::BeginPopup("plot")) {
        const auto wish = [&](const char *words, PlotFormat format) {
            if (ImGui::MenuItem(words))
                context_.plots->wish = Plots::Wish{place_.name, format};
        };
        wish("Save as PNG…", PlotFormat::Png);
        wish("Save as SVG…", PlotFormat::Svg);
        if (ImGui::MenuItem("Copy the data as CSV"))
            context_.copy_text(csv_());
        ImGui::EndPopup();
    }
    ImGui::PopID();
}

Drawing drawing_of(const PlotPlace &plot, const ImDrawData &frame, const Theme &theme, float scale) {
    std::vector<const ImDrawList *> lists;
    for (const ImDrawList *list : frame.CmdLists)
        for (const ImGuiWindow *window : ImGui::GetCurrentContext()->Windows)
            if (window->DrawList == list && belongs_to(window, plot.window))
                lists.push_back(list);
    const DrawnRect &a = plot.area;
    const ImVec2 low = plot.window->Pos, high{low.x + plot.window->Size.x, low.y + plot.window->Size.y};
    const DrawnRect inside{{std::max(a.low.x, low.x), std::max(a.low.y, low.y)},
                           {std::min(a.high.x, high.x), std::min(a.high.y, high.y)}};
    return with_margin(read_drawing(lists, inside, theme.background, scale), std::round(12 * scale));
}

} // namespace moescope
