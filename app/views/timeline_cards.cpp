// Words that stay: the tooltip of an item, kept beside it.
#include "app/views/timeline_parts.h"
#include "app/views/ui.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

namespace {

constexpr ImGuiWindowFlags kCard = ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize |
                                   ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoSavedSettings |
                                   ImGuiWindowFlags_NoFocusOnAppearing | ImGuiWindowFlags_NoNav |
                                   ImGuiWindowFlags_NoScrollbar;

// Where the item is, kept inside the tracks while it is out of sight; nothing where its track is hidden.
std::optional<ImVec2> place_of(const TimelineState &state, const TimelineCanvas &canvas, const TimelineHit &hit) {
    const auto place = state.model().find(hit);
    const TrackLayout *track = canvas.find(hit.track);
    if (!place || !track)
        return std::nullopt;
    const TimelineItem &item = track->rows->rows()[place->row][place->index];
    const std::int64_t origin = state.model().origin_ns();
    const double middle = double(item.start_ns - origin) / 2 + double(item.end_ns - origin) / 2;
    const float y = canvas.y_of(*track) + canvas.row_height * (float(place->row) + 0.5f);
    return ImVec2{std::clamp(canvas.x_of(middle), canvas.low.x, canvas.high.x), std::clamp(y, canvas.low.y, canvas.high.y)};
}

// False where it was closed.
bool draw_card(const ViewContext &context, TimelineState &state, TimelineCard &card, ImVec2 at, int number) {
    bool stays = true;
    ImGui::SetNextWindowPos({at.x + card.offset.x * context.scale, at.y + card.offset.y * context.scale});
    ImGui::SetNextWindowSizeConstraints({0, 0}, {360 * context.scale, FLT_MAX});
    ImGui::PushStyleColor(ImGuiCol_WindowBg, context.theme.raised);
    ImGui::PushStyleColor(ImGuiCol_Border, context.theme.line);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, std::max(1.0f, context.scale));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(8 * context.scale, 6 * context.scale));
    if (ImGui::Begin(fmt::format("timeline card {}", number).c_str(), nullptr, kCard)) {
        const ui::FontScope font(ui::small_font());
        const std::string words = explain(*context.session, state.model(), card.hit);
        ImGui::PushTextWrapPos(340 * context.scale);
        ImGui::TextUnformatted(words.c_str());
        ImGui::PopTextWrapPos();
        if (ImGui::SmallButton("Copy"))
            context.copy_text(words);
        ImGui::SameLine();
        if (ImGui::SmallButton("Select"))
            select(context, state, card.hit);
        ImGui::SameLine();
        stays = !ImGui::SmallButton("Close");
        if (ImGui::IsWindowHovered(ImGuiHoveredFlags_AllowWhenBlockedByActiveItem) && !ImGui::IsAnyItemActive() &&
            ImGui::IsMouseDragging(ImGuiMouseButton_Left, 0)) {
            card.offset.x += ImGui::GetIO().MouseDelta.x / context.scale;
            card.offset.y += ImGui::GetIO().MouseDelta.y / context.scale;
        }
    }
    const ImVec2 corner = ImGui::GetWindowPos();
    ImGui::End();
    ImGui::PopStyleVar(2);
    ImGui::PopStyleColor(2);
    ImGui::GetForegroundDrawList()->AddLine(at, corner, packed(context.theme.text, 0.5f), context.scale);
    return stays;
}

} // namespace

void draw_cards(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas) {
    int number = 0;
    std::erase_if(state.cards, [&](TimelineCard &card) {
        const auto at = place_of(state, canvas, card.hit);
        return at && !draw_card(context, state, card, *at, number++);
    });
}

} // namespace moescope
