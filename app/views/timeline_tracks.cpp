#include "app/charts/colour_scale.h"
#include "app/charts/heat_map.h"
#include "app/views/timeline_parts.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

// Draws the rows of one track and remembers what the pointer is on.
class TrackPainter {
  public:
    TrackPainter(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas,
                 const TrackLayout &track)
        : context_(context), state_(state), canvas_(canvas), track_(track),
          origin_(double(state.model.origin_ns())), searching_(!state.query.empty()) {}

    void draw() {
        const float top = canvas_.y_of(track_);
        for (std::size_t r = 0; r < track_.rows->rows().size(); ++r) {
            const float y = top + canvas_.row_height * float(r);
            if (y + canvas_.row_height < canvas_.low.y || y > canvas_.high.y)
                continue;
            const TimelineRow &row = track_.rows->rows()[r];
            const auto bars =
                row.bars(canvas_.range.start_ns + origin_, canvas_.range.end_ns + origin_,
                         std::max(1, int(canvas_.high.x - canvas_.low.x)));
            for (const TimelineBar &bar : bars)
                draw_bar(row, bar, y);
        }
    }

  private:
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

    void draw_bar(const TimelineRow &row, const TimelineBar &bar, float y) {
        const float left = std::max(canvas_.x_of(double(bar.start_ns) - origin_), canvas_.low.x);
        const float right = std::min(std::max(canvas_.x_of(double(bar.end_ns) - origin_), left + 1),
                                     canvas_.high.x);
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
        const bool over = canvas_.hovered && canvas_.mouse.x >= left - 1 &&
                          canvas_.mouse.x <= right + 1 && canvas_.mouse.y >= y &&
                          canvas_.mouse.y < y + canvas_.row_height;
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
        const float line = ImGui::GetTextLineHeight();
        const std::string text =
            ui::fitted(title_of(*context_.session, hit_of(row, bar)), high.x - low.x - line * 0.5f);
        canvas_.draw->AddText(
            {std::floor(low.x + line * 0.25f), std::floor((low.y + high.y - line) / 2)},
            packed(colour.w < 0.5f ? context_.theme.muted : charts::text_on(colour)), text.c_str());
    }

    void hover(const TimelineRow &row, const TimelineBar &bar) {
        if (bar.count > 1) {
            ui::tooltip(fmt::format(
                "{} too short to draw apart: {} busy in {}\nClick to zoom in on them.",
                format_count(double(bar.count)), format_duration_ns(double(bar.busy_ns)),
                format_duration_ns(double(bar.end_ns - bar.start_ns))));
            if (canvas_.clicked)
                show_span(state_, bar.start_ns, bar.end_ns);
            return;
        }
        const TimelineHit hit = hit_of(row, bar);
        ui::tooltip(explain(*context_.session, state_.model, hit));
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
    double origin_;
    bool searching_;
};

void draw_label(const ViewContext &context, const TimelineCanvas &canvas,
                const TrackLayout &track) {
    const float line = ImGui::GetTextLineHeight(), left = canvas.low.x - canvas.gutter;
    const std::string label = track.key       ? label_of(*track.key)
                              : track.counter ? words_of(*context.session, *track.counter).title
                                              : "Device memory";
    const float y = std::floor(canvas.y_of(track) + (canvas.row_height - line) / 2);
    canvas.draw->AddText({left, y}, packed(context.theme.muted),
                         ui::fitted(label, canvas.gutter - line * 0.5f).c_str());
    if (track.counter && ImGui::IsMouseHoveringRect({left, y}, {canvas.low.x, y + track.height}))
        ui::tooltip(words_of(*context.session, *track.counter).explain);
    if (track.rows && track.rows->squeezed() > 0 &&
        ImGui::IsMouseHoveringRect({left, y}, {canvas.low.x, y + line}))
        ui::tooltip(fmt::format("{} overlap more than {} others and are drawn later than they ran.",
                                format_count(double(track.rows->squeezed())),
                                TimelineRows::kMostRows));
}

void draw_memory(const ViewContext &context, const TimelineState &state,
                 const TimelineCanvas &canvas, const TrackLayout &track) {
    charts::Extent bytes;
    bytes.add(0);
    const auto &points = state.model.memory();
    const int columns = std::max(1, int(canvas.high.x - canvas.low.x));
    const charts::Range shown{canvas.range.start_ns, canvas.range.end_ns};
    auto kept = charts::downsampled(points, shown, columns);
    for (const charts::Point &point : kept)
        bytes.add(point.y);
    const float top = canvas.y_of(track), bottom = top + track.height;
    const double most = std::max(1.0, bytes.range().high);
    const auto y_of = [&](double value) {
        return bottom - float(value / most) * (track.height - 2);
    };
    if (!kept.empty()) // the level holds on to the edge
        kept.push_back({std::max(kept.back().x, shown.high), kept.back().y});
    std::vector<ImVec2> path;
    for (const charts::Point &point : kept)
        path.push_back(
            {std::clamp(canvas.x_of(point.x), canvas.low.x, canvas.high.x), y_of(point.y)});
    const ImVec4 colour = mix(context.theme.muted, context.theme.text, 0.3f);
    for (std::size_t i = 0; i + 1 < path.size(); ++i)
        if (path[i + 1].x > path[i].x)
            canvas.draw->AddRectFilled({path[i].x, path[i].y}, {path[i + 1].x, bottom},
                                       packed(colour, 0.25f));
    canvas.draw->AddPolyline(path.data(), int(path.size()), packed(colour), 0, 1.25f);
    if (!canvas.hovered || canvas.mouse.y < top || canvas.mouse.y >= bottom || points.empty())
        return;
    const double at = canvas.time_at(canvas.mouse.x);
    const auto after =
        std::upper_bound(points.begin(), points.end(), at,
                         [](double time, const charts::Point &point) { return time < point.x; });
    ui::tooltip(fmt::format("Device memory allocated by the worker: {}\nThe curve's top is {}.",
                            format_bytes(after == points.begin() ? 0 : std::prev(after)->y),
                            format_bytes(most)));
}

const TrackLayout *layout_of(const TimelineCanvas &canvas, const TrackKey &key) {
    for (const TrackLayout &track : canvas.tracks)
        if (track.key && *track.key == key)
            return &track;
    return nullptr;
}

// The launch of the selected kernel, or the kernel of the selected launch.
void find_arrow(const Session &session, TimelineState &state) {
    if (state.arrow_for == state.selected)
        return;
    state.arrow_for = state.selected;
    state.arrow_to.reset();
    if (!state.selected)
        return;
    if (state.selected->track.kind == TrackKind::Kernels) {
        if (const auto call = launch_of(session, state.selected->ref))
            state.arrow_to = state.model.hit_of_api(session, *call);
    } else if (state.selected->track.kind == TrackKind::Api) {
        if (const auto kernel = kernel_of(session, state.selected->ref))
            state.arrow_to = state.model.hit_of_kernel(session, *kernel);
    }
}

void draw_arrow(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas) {
    find_arrow(*context.session, state);
    if (!state.selected || !state.arrow_to)
        return;
    const bool from_kernel = state.selected->track.kind == TrackKind::Kernels;
    const TimelineHit &call = from_kernel ? *state.arrow_to : *state.selected;
    const TimelineHit &kernel = from_kernel ? *state.selected : *state.arrow_to;
    const auto from = state.model.find(call), to = state.model.find(kernel);
    const TrackLayout *above = layout_of(canvas, call.track),
                      *below = layout_of(canvas, kernel.track);
    if (!from || !to || !above || !below)
        return;
    const TimelineItem &item = above->rows->rows()[from->row][from->index];
    const double origin = double(state.model.origin_ns());
    const ImVec2 a{canvas.x_of(double(item.end_ns) - origin),
                   canvas.y_of(*above) + canvas.row_height * (float(from->row) + 1) - 2};
    const ImVec2 b{canvas.x_of(double(kernel.start_ns) - origin),
                   canvas.y_of(*below) + canvas.row_height * (float(to->row) + 0.5f)};
    const float bend = std::clamp((b.x - a.x) * 0.5f, 12 * context.scale, 80 * context.scale);
    const float head = 5 * context.scale;
    const ImU32 colour = packed(context.theme.accent);
    canvas.draw->AddBezierCubic(a, {a.x, a.y + bend}, {b.x - bend, b.y}, {b.x - head, b.y}, colour,
                                1.5f * context.scale, 24);
    canvas.draw->AddTriangleFilled({b.x - head, b.y - head * 0.7f}, {b.x, b.y},
                                   {b.x - head, b.y + head * 0.7f}, colour);
}

} // namespace

std::vector<TrackLayout> layout_tracks(const TimelineModel &model, float row_height, float gap,
                                       float memory_height, float counter_height, float &content_height) {
    std::vector<TrackLayout> tracks;
    float top = gap;
    for (const auto &[key, rows] : model.tracks()) {
        if (rows.rows().empty())
            continue;
        const float height = row_height * float(rows.rows().size());
        tracks.push_back({&key, &rows, top, height, nullptr, nullptr});
        top += height + gap;
    }
    for (const auto &[key, series] : model.counters().series()) {
        tracks.push_back({nullptr, nullptr, top, counter_height, &key, &series});
        top += counter_height + gap;
    }
    if (!model.memory().empty()) {
        tracks.push_back({nullptr, nullptr, top, memory_height, nullptr, nullptr});
        top += memory_height + gap;
    }
    content_height = top;
    return tracks;
}

void draw_ruler(const ViewContext &context, const TimelineCanvas &canvas, float top) {
    const float line = ImGui::GetTextLineHeight(), width = canvas.high.x - canvas.low.x;
    const auto ticks =
        charts::ticks({canvas.range.start_ns, canvas.range.end_ns},
                      std::max(2, int(width / (line * 7))), charts::Unit::DurationNs);
    for (const charts::Tick &tick : ticks) {
        const float x = std::floor(canvas.x_of(tick.value)) + 0.5f;
        canvas.draw->AddLine({x, top + line}, {x, canvas.high.y}, packed(context.theme.line, 0.5f));
        const float left = x - ImGui::CalcTextSize(tick.label.c_str()).x / 2;
        if (left >= canvas.low.x - line)
            canvas.draw->AddText({std::floor(left), top}, packed(context.theme.muted),
                                 tick.label.c_str());
    }
}

void draw_tracks(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas) {
    canvas.draw->PushClipRect({canvas.low.x - canvas.gutter, canvas.low.y}, canvas.high, true);
    for (const TrackLayout &track : canvas.tracks)
        draw_label(context, canvas, track);
    canvas.draw->PopClipRect();
    canvas.draw->PushClipRect(canvas.low, canvas.high, true);
    for (const TrackLayout &track : canvas.tracks)
        if (track.key)
            TrackPainter(context, state, canvas, track).draw();
        else if (track.counter)
            draw_counter(context, state, canvas, track);
        else
            draw_memory(context, state, canvas, track);
    draw_arrow(context, state, canvas);
    if (canvas.hovered)
        canvas.draw->AddLine({canvas.mouse.x, canvas.low.y}, {canvas.mouse.x, canvas.high.y},
                             packed(context.theme.text, 0.2f));
    canvas.draw->PopClipRect();
}

} // namespace moescope
