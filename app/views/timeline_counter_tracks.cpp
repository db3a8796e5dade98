#include "app/views/timeline_parts.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"
#include "profiler/session/throttle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

class CounterPainter {
  public:
    CounterPainter(const ViewContext &context, const TimelineState &state, const TimelineCanvas &canvas,
                   const TrackLayout &track)
        : context_(context), canvas_(canvas), track_(track), words_(words_of(*context.session, *track.counter)),
          origin_(state.model().origin_ns()), top_(canvas.y_of(track)), bottom_(top_ + track.height) {}

    void draw() {
        const double columns = std::max(1.0f, canvas_.high.x - canvas_.low.x);
        const auto pieces = track_.series->pieces(std::int64_t(std::floor(canvas_.range.start_ns)) + origin_,
                                                  std::int64_t(std::ceil(canvas_.range.end_ns)) + origin_, int(columns));
        range_ = counter_range(words_, pieces);
        canvas_.draw->AddLine({canvas_.low.x, bottom_ - 0.5f}, {canvas_.high.x, bottom_ - 0.5f},
                              packed(context_.theme.line, 0.7f));
        const CounterSeries::Piece *before = nullptr;
        for (const CounterSeries::Piece &piece : pieces) {
            draw_piece(piece, before);
            before = &piece;
        }
        if (!pieces.empty())
            draw_scale();
        if (canvas_.hovered && canvas_.mouse.y >= top_ && canvas_.mouse.y < bottom_)
            hover();
    }

  private:
    float y_of(double value) const {
        const double share = (value - range_.low) / range_.span();
        return bottom_ - 1 - float(std::clamp(share, 0.0, 1.0)) * (track_.height - 2);
    }
    float x_of(std::int64_t time_ns) const {
        return std::clamp(canvas_.x_of(double(time_ns - origin_)), canvas_.low.x - 2, canvas_.high.x + 2);
    }

    // One step, or a band from the lowest to the highest sample where they share a pixel.
    void draw_piece(const CounterSeries::Piece &piece, const CounterSeries::Piece *before) {
        const bool held = !throttle_text(piece.reasons).empty();
        const ImVec4 colour = held ? context_.theme.warning
                                   : mix(context_.theme.muted, context_.theme.accent,
                                         track_.counter->kind == CounterKind::Sampled ? 0.8f : 0.25f);
        // Whole pixels, each once: what is drawn twice is darker.
        const float left = std::max(std::floor(x_of(piece.start_ns)), drawn_to_);
        const float right = std::max(std::floor(x_of(piece.end_ns)), left + 1);
        drawn_to_ = right;
        const float high = y_of(piece.high), low = y_of(piece.low);
        canvas_.draw->AddRectFilled({left, low}, {right, bottom_ - 1}, packed(colour, 0.22f));
        if (low - high >= 1)
            canvas_.draw->AddRectFilled({left, high}, {right, low}, packed(colour, 0.6f));
        const float width = 1.25f * context_.scale;
        canvas_.draw->AddLine({left, high}, {right, high}, packed(colour), width);
        if (before && before->end_ns == piece.start_ns)
            canvas_.draw->AddLine({left, y_of(before->high)}, {left, high}, packed(colour, 0.8f), width);
    }

    // Under the label, so that the height means something without a hover.
    void draw_scale() const {
        const float line = ImGui::GetTextLineHeight(), left = canvas_.low.x - canvas_.gutter;
        const float y = std::floor(bottom_ - line);
        const std::string text =
            ui::fitted(range_text(words_, range_), canvas_.gutter - line * 0.5f);
        canvas_.draw->PushClipRect({left, canvas_.low.y}, {canvas_.low.x, canvas_.high.y});
        canvas_.draw->AddText({left, y}, packed(context_.theme.muted), text.c_str());
        canvas_.draw->PopClipRect();
    }

    // The sample under the pointer, or the nearest some pixels off: many are narrower than one.
    std::optional<CounterSample> pointed_at() const {
        constexpr float kReach = 3;
        for (float away = 0; away <= kReach; ++away)
            for (const float side : {-away, away})
                if (const auto sample = track_.series->at(std::int64_t(canvas_.time_at(canvas_.mouse.x + side)) + origin_))
                    return sample;
        return std::nullopt;
    }

    void hover() const {
        const std::optional<CounterSample> sample = pointed_at();
        if (!sample)
            return;
        const double from = double(sample->start_ns - origin_);
        std::string text = fmt::format("{}: {}\n", words_.title, counter_text(words_, sample->value));
        if (track_.counter->kind == CounterKind::Sampled)
            text += fmt::format("over {} from {}\n", format_duration_ns(double(sample->end_ns - sample->start_ns)),
                                format_duration_ns(from));
        else if (track_.counter->kind == CounterKind::Allocated)
            text += fmt::format("since {}\n", format_duration_ns(from));
        else
            text += fmt::format("read at {}\n", format_duration_ns(from));
        if (const std::string held = throttle_text(sample->reasons); !held.empty())
            text += "The clocks were held back: " + held + ".\n";
        ui::tooltip(context_.theme, Evidence::Measured, text + words_.explain);
        const float x = x_of(sample->start_ns);
        canvas_.draw->AddRect({x, y_of(sample->value) - 1}, {std::max(x_of(sample->end_ns), x + 1), bottom_},
                              packed(context_.theme.text, 0.5f));
    }

    const ViewContext &context_;
    const TimelineCanvas &canvas_;
    const TrackLayout &track_;
    CounterWords words_;
    std::int64_t origin_;
    float top_, bottom_;
    charts::Range range_;
    float drawn_to_ = 0; // pixels, of this track
};

} // namespace

void draw_counter(const ViewContext &context, const TimelineState &state, const TimelineCanvas &canvas,
                  const TrackLayout &track) {
    if (canvas.y_of(track) > canvas.high.y || canvas.y_of(track) + track.height < canvas.low.y)
        return;
    CounterPainter(context, state, canvas, track).draw();
}

} // namespace moescope
