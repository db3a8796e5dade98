#include "app/charts/colour_scale.h"
#include "app/views/timeline_parts.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

namespace moescope {

namespace {

// Draws the rows of one track and remembers what the pointer is on.
class TrackPainter {
  public:
    TrackPainter(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas,
                 const TrackLayout &track)
        : context_(context), state_(state), canvas_(canvas), track_(track),
          origin_(state.model().origin_ns()), searching_(!state.query.empty()) {}

    void draw() {
        const float top = canvas_.y_of(track_);
        for (std::size_t r = 0; r < track_.rows->rows().size(); ++r) {
            const float y = top + canvas_.row_height * float(r);
            if (y + canvas_.row_height < canvas_.low.y || y > canvas_.high.y)
                continue;
            const TimelineRow &row = track_.rows->rows()[r];
            const auto bars =
                row.bars(canvas_.range.start_ns, canvas_.range.end_ns,
                         std::max(1, int(canvas_.high.x - canvas_.low.x)), origin_);
            const TimelineBar *over = bar_under_pointer(bars, y);
            for (const TimelineBar &bar : bars)
                draw_bar(row, bar, y, &bar == over);
        }
    }

  private:
    float left_of(const TimelineBar &bar) const {
        return std::max(canvas_.x_of(double(bar.start_ns - origin_)), canvas_.low.x);
    }
    float right_of(const TimelineBar &bar) const {
        return std::min(std::max(canvas_.x_of(double(bar.end_ns - origin_)), left_of(bar) + 1), canvas_.high.x);
    }

    // One of those within a pixel: the nearest, and of those under it the one drawn last.
    const TimelineBar *bar_under_pointer(const std::vector<TimelineBar> &bars, float y) const {
        if (!canvas_.hovered || canvas_.mouse.y < y || canvas_.mouse.y >= y + canvas_.row_height)
            return nullptr;
        const TimelineBar *nearest = nullptr;
        float least = 1;
        for (const TimelineBar &bar : bars) {
            const float away = std::max({0.0f, left_of(bar) - canvas_.mouse.x, canvas_.mouse.x - right_of(bar)});
            if (away > least)
                continue;
            nearest = &bar;
            least = away;
        }
        return nearest;
    }

    // Variants have their series colours; calls, copies and overhead have none, so they stay grey.
    ImVec4 colour_of(const TimelineBar &bar) const {
        const Theme &theme = context_.theme;
        switch (track_.key->kind) {
        case TrackKind::Api:
            return mix(theme.raised, theme.text, 0.28f);
        case TrackKind::Copies:
            return mix(theme.raised, theme.text, 0.45f);
        case TrackKind::Overhead:
            return mix(theme.background, theme.warning, 0.55f);
        case TrackKind::Repetitions:
        case TrackKind::Measurements:
        case TrackKind::Kernels:
            break;
        }
        const ImVec4 base = bar.slot < theme.series.size() ? theme.series[bar.slot] : theme.muted;
        return track_.key->kind == TrackKind::Repetitions ? mix(base, theme.background, 0.45f)
                                                          : base;
    }

    TimelineHit hit_of(const TimelineRow &row, const TimelineBar &bar) const {
        const TimelineItem &item = row[bar.first];
        return {*track_.key, item.ref, item.name, item.start_ns};
    }

    void draw_bar(const TimelineRow &row, const TimelineBar &bar, float y, bool over) {
        const float left = left_of(bar), right = right_of(bar);
        const ImVec2 low{left, y + 1}, high{right, y + canvas_.row_height - 1};
        ImVec4 colour = colour_of(bar);
        if (bar.count > 1) // merged: as strong as it is busy
            colour.w =
                0.45f + 0.55f * float(double(bar.busy_ns) /
                                      double(std::max<std::int64_t>(1, bar.end_ns - bar.start_ns)));
        if (searching_ && bar.matches == 0)
            colour.w *= 0.25f;
        canvas_.draw->AddRectFilled(low, high, packed(colour));
        if (bar.count == 1 && right - left > canvas_.row_height * 2)
            draw_text(row, bar, low, high, colour);
        const bool chosen = bar.count == 1 && state_.selected == hit_of(row, bar);
        if (chosen || over || (bar.count == 1 && marked(row, bar)))
            canvas_.draw->AddRect(low, high,
                                  packed(chosen ? context_.theme.accent : context_.theme.text), 0,
                                  0, chosen ? 2 * context_.scale : 1.0f);
        if (over)
            hover(row, bar);
    }

    // Selected or hovered in another view.
    bool marked(const TimelineRow &row, const TimelineBar &bar) const {
        const MeasurementId id{row[bar.first].ref};
        return track_.key->kind == TrackKind::Measurements &&
               (context_.selection.measurement == id || context_.selection.hovered == id);
    }

    void draw_text(const TimelineRow &row, const TimelineBar &bar, ImVec2 low, ImVec2 high,
                   const ImVec4 &colour) const {
        constexpr std::string_view kOurs = "moescope_"; // of every tile kernel: the room is for the rest
        const float line = ImGui::GetTextLineHeight();
        std::string text = title_of(*context_.session, hit_of(row, bar));
        if (text.starts_with(kOurs))
            text.erase(0, kOurs.size());
        text = ui::fitted(text, high.x - low.x - line * 0.5f);
        // Higher than the middle by a pixel: an outline would hide underscores.
        canvas_.draw->AddText(
            {std::floor(low.x + line * 0.25f), std::floor((low.y + high.y - line) / 2 - context_.scale)},
            packed(colour.w < 0.5f ? context_.theme.muted : charts::text_on(colour)), text.c_str());
    }

    void hover(const TimelineRow &row, const TimelineBar &bar) {
        if (bar.count > 1) {
            ui::tooltip(context_.theme, Evidence::Measured,
                        fmt::format("{} too short to draw apart: {} busy in {}, by their own records.\nClick to zoom in on them.",
                                    format_count(double(bar.count)), format_duration_ns(double(bar.busy_ns)),
                                    format_duration_ns(double(bar.end_ns - bar.start_ns))));
            if (canvas_.clicked)
                show_span(state_, bar.start_ns, bar.end_ns);
            return;
        }
        const TimelineHit hit = hit_of(row, bar);
        state_.hovered = hit;
        ui::tooltip(context_.theme, Evidence::Measured, explain(*context_.session, state_.model(), hit));
        if (track_.key->kind == TrackKind::Measurements ||
            track_.key->kind == TrackKind::Repetitions)
            context_.selection.next_hovered = {hit.ref};
        if (canvas_.clicked)
            select(context_, state_, hit);
    }

    const ViewContext &context_;
    TimelineState &state_;
    const TimelineCanvas &canvas_;
    const TrackLayout &track_;
    std::int64_t origin_;
    bool searching_;
};

std::vector<charts::Tick> ruler_ticks(const TimelineCanvas &canvas) {
    const float line = ImGui::GetTextLineHeight(), width = canvas.high.x - canvas.low.x;
    return charts::ticks({canvas.range.start_ns, canvas.range.end_ns}, std::max(2, int(width / (line * 7))),
                         charts::Unit::DurationNs);
}

// The pinned tracks, or those that scroll: each in its own part of the area.
void draw_part(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas, bool pinned) {
    TimelineCanvas part = canvas;
    (pinned ? part.high.y : part.low.y) = canvas.scrolled_from();
    part.hovered = canvas.hovered && part.mouse.y >= part.low.y && part.mouse.y < part.high.y;
    canvas.draw->PushClipRect(part.low, part.high, true);
    for (const TrackLayout &track : canvas.layouts.tracks) {
        if (track.pinned != pinned || !canvas.seen(track))
            continue;
        if (track.key)
            TrackPainter(context, state, part, track).draw();
        else
            draw_counter(context, state, part, track);
    }
    canvas.draw->PopClipRect();
}

} // namespace

const TrackLayout *TimelineCanvas::track_at(float y) const {
    for (const TrackLayout &track : layouts.tracks)
        if (seen(track) && y >= y_of(track) && y < y_of(track) + track.height &&
            (track.pinned ? y < scrolled_from() : y >= scrolled_from()))
            return &track;
    return nullptr;
}

const TrackLayout *TimelineCanvas::find(const TrackKey &key) const {
    for (const TrackLayout &track : layouts.tracks)
        if (track.key && *track.key == key)
            return &track;
    return nullptr;
}

TrackLayouts layout_tracks(const TimelineModel &model, const Session &session, const TimelineNotes &notes,
                           const TrackSizes &sizes) {
    std::vector<TrackLayout> all;
    for (const auto &[key, rows] : model.tracks())
        if (!rows.rows().empty())
            all.push_back({&key, &rows, 0, sizes.row * float(rows.rows().size()), nullptr, nullptr, false, track_id(key)});
    for (const auto &[key, series] : model.counters().series())
        all.push_back({nullptr, nullptr, 0, sizes.counter, &key, &series, false, track_id(session, key)});
    TrackLayouts result;
    for (const bool pinned : {true, false}) {
        float top = sizes.gap;
        for (TrackLayout &track : all) {
            if (holds(notes.pinned, track.id) != pinned)
                continue;
            if (holds(notes.hidden, track.id)) {
                ++result.hidden;
                continue;
            }
            track.top = top;
            track.pinned = pinned;
            top += track.height + sizes.gap;
            result.tracks.push_back(track);
        }
        if (pinned)
            result.pinned_height = result.tracks.empty() ? 0 : top;
        else
            result.content_height = top;
    }
    return result;
}

void draw_ruler(const ViewContext &context, const TimelineCanvas &canvas, float top) {
    const float line = ImGui::GetTextLineHeight();
    for (const charts::Tick &tick : ruler_ticks(canvas)) {
        const float x = std::floor(canvas.x_of(tick.value)) + 0.5f;
        canvas.draw->AddLine({x, top + line}, {x, canvas.high.y}, packed(context.theme.line, 0.5f));
    }
    ui::note_chart("timeline", {canvas.low.x - canvas.gutter, top}, canvas.high);
}

void draw_ruler_labels(const ViewContext &context, const TimelineCanvas &canvas, float top) {
    const float line = ImGui::GetTextLineHeight(), gap = line;
    for (const charts::Tick &tick : ruler_ticks(canvas)) {
        const float width = ImGui::CalcTextSize(tick.label.c_str()).x;
        const float left = std::floor(std::min(canvas.x_of(tick.value) - width / 2, canvas.high.x - width));
        const bool covered = std::ranges::any_of(canvas.flags, [&](const std::pair<float, float> &flag) {
            return flag.first < left + width + gap && flag.second > left - gap;
        });
        if (!covered && left >= canvas.low.x - line)
            canvas.draw->AddText({left, top}, packed(context.theme.muted), tick.label.c_str());
    }
}

void explain_ruler(const ViewContext &context, const TimelineCanvas &canvas, float top) {
    const float line = ImGui::GetTextLineHeight();
    if (over_ruler({canvas.low.x - line, top}, {canvas.high.x, top + line}))
        ui::tooltip(context.theme, Evidence::Measured, "Time since the session's first record, on the records' clock.");
}

bool over_ruler(ImVec2 low, ImVec2 high) {
    return ImGui::IsWindowHovered(ImGuiHoveredFlags_RootAndChildWindows) && ImGui::IsMouseHoveringRect(low, high, false);
}

void draw_tracks(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas) {
    draw_labels(context, state, canvas);
    canvas.draw->PushClipRect(canvas.low, canvas.high, true);
    draw_arrows(context, state, canvas, ArrowPart::Lines);
    canvas.draw->PopClipRect();
    draw_part(context, state, canvas, true);
    draw_part(context, state, canvas, false);
    canvas.draw->PushClipRect(canvas.low, canvas.high, true);
    if (canvas.layouts.pinned_height > 0)
        canvas.draw->AddLine({canvas.low.x - canvas.gutter, canvas.scrolled_from()},
                             {canvas.high.x, canvas.scrolled_from()}, packed(context.theme.line));
    draw_arrows(context, state, canvas, ArrowPart::Heads);
    if (canvas.hovered)
        canvas.draw->AddLine({canvas.mouse.x, canvas.low.y}, {canvas.mouse.x, canvas.high.y},
                             packed(context.theme.text, 0.2f));
    canvas.draw->PopClipRect();
}

} // namespace moescope
