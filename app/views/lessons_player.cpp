// A lesson's moving picture and the bar that steps, plays and scrubs it.
#include "app/views/lessons_parts.h"

#include "app/views/figure_drawing.h"
#include "app/views/lessons_words.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"

#include <fmt/format.h>
#include <imgui_internal.h> // SetItemKeyOwner: the arrows step the picture and do not move the focus

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr float kStepsPerSecond = 2.2f, kPlayedPerSecond = 0.75f;
constexpr float kLeastFactor = 0.6f; // smaller, and words would lie over one another

float last_of(std::size_t frames) { return frames > 0 ? float(frames - 1) : 0; }

void draw_bar(const ViewContext &context, PlayerState &player, std::size_t frames) {
    const float last = last_of(frames);
    const bool at_end = player.position >= last;
    if (ImGui::Button(player.playing ? "Pause" : at_end ? "Again" : "Play")) {
        if (at_end)
            player.position = 0;
        player.playing = !player.playing;
        player.target = player.playing ? last : std::round(player.position);
    }
    ui::explain("Plays the picture to its end. Over the picture: space.");
    ImGui::SameLine();
    ImGui::BeginDisabled(player.target <= 0);
    if (ImGui::Button("Back"))
        step(player, -1, frames);
    ImGui::EndDisabled();
    ui::explain("One step back. Over the picture: left arrow.");
    ImGui::SameLine();
    ImGui::BeginDisabled(player.target >= last);
    if (ImGui::Button("Step"))
        step(player, 1, frames);
    ImGui::EndDisabled();
    ui::explain("One step on. Over the picture: right arrow.");
    ImGui::SameLine();
    const std::string place = fmt::format("{} of {}", int(std::round(player.position)) + 1, frames);
    const float width = ImGui::CalcTextSize("00 of 00").x + 8 * context.scale;
    ImGui::SetNextItemWidth(std::max(60.0f, ImGui::GetContentRegionAvail().x - width));
    float position = player.position;
    if (ImGui::SliderFloat("##scrub", &position, 0, last, "", ImGuiSliderFlags_AlwaysClamp | ImGuiSliderFlags_NoInput))
        player = {position, position, false};
    if (ImGui::IsItemDeactivated())
        player.target = std::round(player.position);
    ui::explain("Drag to scrub through the picture.");
    ImGui::SameLine();
    ui::text(place, context.theme.muted);
}

void take_keys(PlayerState &player, std::size_t frames) {
    for (const ImGuiKey key : {ImGuiKey_LeftArrow, ImGuiKey_RightArrow, ImGuiKey_Space})
        ImGui::SetItemKeyOwner(key);
    if (!ImGui::IsItemHovered() || ImGui::GetIO().WantTextInput)
        return;
    if (ImGui::IsKeyPressed(ImGuiKey_RightArrow))
        step(player, 1, frames);
    if (ImGui::IsKeyPressed(ImGuiKey_LeftArrow))
        step(player, -1, frames);
    if (ImGui::IsKeyPressed(ImGuiKey_Space)) {
        player.playing = !player.playing && player.position < last_of(frames);
        player.target = player.playing ? last_of(frames) : std::round(player.position);
    }
}

} // namespace

void advance(PlayerState &player, float seconds, std::size_t frames) {
    const float last = last_of(frames);
    player.target = std::clamp(player.target, 0.0f, last);
    const float way = seconds * (player.playing ? kPlayedPerSecond : kStepsPerSecond);
    player.position = player.position < player.target ? std::min(player.position + way, player.target)
                                                      : std::max(player.position - way, player.target);
    if (!player.moving())
        player.playing = false;
}

void step(PlayerState &player, int by, std::size_t frames) {
    player.playing = false;
    // From between two frames the next one lies at its end.
    const float from = player.moving() ? player.target : player.position;
    const float place = by > 0 ? std::floor(from) : std::ceil(from);
    player.target = std::clamp(place + float(by), 0.0f, last_of(frames));
}

void draw_player(const ViewContext &context, PlayerState &player, const lessons::Figure &figure, const ui::Fact &about) {
    if (figure.frames.empty()) {
        ui::wrapped(figure.why, context.theme.muted);
        return;
    }
    const float room = ImGui::GetContentRegionAvail().x;
    const float factor = std::clamp(room / lessons::kFigureWidth, kLeastFactor * context.scale, 1.3f * context.scale);
    const ImVec2 size{lessons::kFigureWidth * factor, figure.height * factor};
    const float wide = std::min(size.x, room);
    const bool scrolls = size.x > room + 1; // where it would be too small to read
    if (scrolls)
        ImGui::BeginChild("picture", {room, size.y + ImGui::GetStyle().ScrollbarSize}, 0,
                          ImGuiWindowFlags_HorizontalScrollbar);
    const ImVec2 origin = ImGui::GetCursorScreenPos();
    ImGui::GetWindowDrawList()->AddRectFilled(origin, {origin.x + size.x, origin.y + size.y},
                                              packed(context.theme.surface), 6 * context.scale);
    ImGui::InvisibleButton("figure", size);
    const bool pointed = ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal);
    ui::note_chart("figure", origin, {origin.x + size.x, origin.y + size.y});
    take_keys(player, figure.frames.size());
    advance(player, ImGui::GetIO().DeltaTime, figure.frames.size());
    const lessons::Frame frame = lessons::at(figure, player.position);
    ImGui::PushClipRect(origin, {origin.x + size.x, origin.y + size.y}, true);
    draw_frame(*ImGui::GetWindowDrawList(), origin, factor, context.theme, frame);
    ImGui::PopClipRect();
    const lessons::Shape *shape = pointed ? shape_at(frame, origin, factor, ImGui::GetIO().MousePos) : nullptr;
    if (shape) {
        const Explained said = explain_note(shape->note, *context.session, context.run, about);
        ui::tooltip(context.theme, said.title, said.facts);
    }
    if (scrolls)
        ImGui::EndChild();
    // The caption stands between picture and bar, where no hint of the bar's buttons lies over it.
    const float line = ImGui::GetTextLineHeightWithSpacing(), top = ImGui::GetCursorPosY();
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + wide);
    ui::text(ui::broken(frame.caption, wide));
    ImGui::PopTextWrapPos();
    const Explained said = explain_note(frame.note, *context.session, context.run, about);
    ui::explain(context.theme, said.facts.front().evidence, ui::text_of(said.title, said.facts));
    // Room for the longest caption, so that what follows stays in its place.
    float tallest = line;
    for (const lessons::Frame &each : figure.frames)
        tallest = std::max(tallest, ImGui::CalcTextSize(ui::broken(each.caption, wide).c_str()).y);
    ImGui::SetCursorPosY(std::max(ImGui::GetCursorPosY(), top + tallest + ImGui::GetStyle().ItemSpacing.y));
    ImGui::BeginChild("bar", {wide, ImGui::GetFrameHeight()}, 0, ImGuiWindowFlags_NoScrollbar);
    draw_bar(context, player, figure.frames.size());
    ImGui::EndChild();
}

} // namespace moescope
