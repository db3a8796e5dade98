#include "app/views/figure_drawing.h"

#include "app/charts/distance.h"
#include "app/charts/series.h"
#include "app/views/ui.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

using lessons::Ink;
using lessons::Shape;

constexpr float kLeastWords = 0.78f; // of the small font: smaller could not be read

ImVec4 colour_of(const Theme &theme, const Shape &shape) {
    switch (shape.ink) {
    case Ink::Muted:
        return theme.muted;
    case Ink::Line:
        return theme.line;
    case Ink::Raised:
        return theme.raised;
    case Ink::Accent:
        return theme.accent;
    case Ink::Good:
        return theme.good;
    case Ink::Warning:
        return theme.warning;
    case Ink::Failure:
        return theme.failure;
    case Ink::Series:
        return theme.series[std::size_t(shape.series) % theme.series.size()];
    case Ink::Text:
        break;
    }
    return theme.text;
}

// The font whose own size is nearest: the others would look soft.
ImFont *font_of(const Shape &shape, float size) {
    if (shape.bold)
        return ui::bold_font();
    const float small = std::abs(ui::small_font()->FontSize - size), body = std::abs(ui::body_font()->FontSize - size);
    return small < body ? ui::small_font() : ui::body_font();
}

float size_of(const Shape &words, float factor) {
    return std::round(std::max(words.h * factor, kLeastWords * ui::small_font()->FontSize));
}

class Drawing {
  public:
    Drawing(ImDrawList &draw, ImVec2 origin, float factor, const Theme &theme)
        : draw_(draw), origin_(origin), factor_(factor), theme_(theme), thick_(std::max(1.0f, 1.4f * factor)) {}

    void shape(const Shape &shape) const {
        if (shape.alpha <= 0.01f)
            return;
        const ImU32 colour = packed(colour_of(theme_, shape), shape.alpha);
        const ImVec2 from = at(shape.x, shape.y), to = at(shape.x + shape.w, shape.y + shape.h);
        switch (shape.kind) {
        case Shape::Kind::Box:
            return draw_.AddRectFilled(from, to, colour, std::min(3.0f, 0.25f * std::min(shape.w, shape.h)) * factor_);
        case Shape::Kind::Frame:
            return draw_.AddRect(from, to, colour, 3 * factor_, 0, thick_);
        case Shape::Kind::Line:
            return draw_.AddLine(from, at(shape.w, shape.h), colour, thick_);
        case Shape::Kind::Arrow:
            return arrow(from, at(shape.w, shape.h), colour);
        case Shape::Kind::Disc:
            return draw_.AddCircleFilled(from, shape.w * factor_, colour);
        case Shape::Kind::Words:
            return words(shape, colour);
        }
    }

  private:
    ImVec2 at(float x, float y) const { return {origin_.x + x * factor_, origin_.y + y * factor_}; }

    void arrow(ImVec2 from, ImVec2 to, ImU32 colour) const {
        const float dx = to.x - from.x, dy = to.y - from.y, length = charts::distance(from, to), head = 5 * factor_;
        if (length < 1)
            return;
        const ImVec2 along{dx / length, dy / length}, across{-along.y, along.x};
        const ImVec2 neck{to.x - along.x * head, to.y - along.y * head};
        draw_.AddLine(from, neck, colour, thick_);
        draw_.AddTriangleFilled(to, {neck.x + across.x * head * 0.6f, neck.y + across.y * head * 0.6f},
                                {neck.x - across.x * head * 0.6f, neck.y - across.y * head * 0.6f}, colour);
    }
    void words(const Shape &shape, ImU32 colour) const {
        const float size = size_of(shape, factor_);
        const ImVec2 low = words_box(shape, factor_).low;
        draw_.AddText(font_of(shape, size), size, {std::floor(origin_.x + low.x), std::floor(origin_.y + low.y)}, colour,
                      shape.words.c_str());
    }

    ImDrawList &draw_;
    ImVec2 origin_;
    float factor_;
    const Theme &theme_;
    float thick_;
};

} // namespace

WordsBox words_box(const lessons::Shape &words, float factor) {
    const float size = size_of(words, factor);
    const ImVec2 extent = font_of(words, size)->CalcTextSizeA(size, FLT_MAX, 0, words.words.c_str());
    const float shift = words.align == Shape::Align::Left ? 0 : words.align == Shape::Align::Right ? 1 : 0.5f;
    const ImVec2 low{words.x * factor - extent.x * shift, words.y * factor - extent.y / 2};
    return {low, {low.x + extent.x, low.y + extent.y}};
}

const lessons::Shape *shape_at(const lessons::Frame &frame, ImVec2 origin, float factor, ImVec2 pointer) {
    constexpr float kReach = 5; // in the picture's units: of lines and words
    const ImVec2 at{(pointer.x - origin.x) / factor, (pointer.y - origin.y) / factor};
    const auto within = [&](float x, float y, float w, float h) {
        return at.x >= x && at.x <= x + w && at.y >= y && at.y <= y + h;
    };
    const auto on = [&](const Shape &s) {
        switch (s.kind) {
        case Shape::Kind::Box:
        case Shape::Kind::Frame:
            return within(s.x - 1, s.y - 1, s.w + 2, s.h + 2);
        case Shape::Kind::Line:
        case Shape::Kind::Arrow:
            return charts::distance_to(at, {s.x, s.y}, {s.w, s.h}) < kReach;
        case Shape::Kind::Disc:
            return charts::distance({s.x, s.y}, at) < s.w + kReach;
        case Shape::Kind::Words:
            break;
        }
        const auto [low, high] = words_box(s, factor);
        return within(low.x / factor, low.y / factor, (high.x - low.x) / factor, (high.y - low.y) / factor);
    };
    const auto found = std::find_if(frame.shapes.rbegin(), frame.shapes.rend(),
                                    [&](const Shape &shape) { return shape.alpha > 0.01f && on(shape); });
    return found == frame.shapes.rend() ? nullptr : &*found;
}

void draw_frame(ImDrawList &draw, ImVec2 origin, float factor, const Theme &theme, const lessons::Frame &frame) {
    const Drawing drawing(draw, origin, factor, theme);
    for (const Shape &shape : frame.shapes)
        drawing.shape(shape);
}

} // namespace moescope
