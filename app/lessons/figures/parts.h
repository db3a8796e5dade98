// Pieces that several figures are made of.
#pragma once

#include "app/lessons/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace moescope::lessons {

inline constexpr float kMargin = 14; // left and right of a figure

// `count` columns side by side over the figure's width.
struct Columns {
    int count = 1;
    float left = kMargin, right = kFigureWidth - kMargin;

    float step() const { return (right - left) / float(std::max(1, count)); }
    float x(int i) const { return left + step() * float(i); }
    float middle(int i) const { return left + step() * (float(i) + 0.5f); }
    // Of a bar: a gap between bars where there is room for one.
    float width() const { return step() > 4 ? step() - 2 : step() * 0.8f; }
};

// A row of cells, each with words: where results come to stand.
inline void cell(Pen &pen, float x, float y, float w, float h, Ink ink, std::string words, const std::string &key,
                 int series = 0) {
    Shape &box = pen.box(x, y, w, h, ink, key);
    box.alpha = 0.35f;
    box.series = series;
    pen.words(x + w / 2, y + h / 2, std::move(words), Ink::Text, Shape::Align::Centre, key.empty() ? "" : key + "'");
}

// Values as bars that stand on 0, from `base` up to `base - room`.
struct BarScale {
    float low = 0, high = 1, base = 0, room = 1;
    static BarScale of(const auto &values, float base, float room) {
        const auto [least, most] = std::ranges::minmax_element(values);
        return {std::min(0.0f, float(*least)), std::max(0.0f, float(*most)), base, room};
    }
    float y(float value) const { return base - room * (value - low) / std::max(1e-12f, high - low); }
    Shape &bar(Pen &pen, float x, float width, float value, Ink ink, const std::string &key) const {
        const float top = std::min(y(value), y(0)), height = std::max(1.0f, std::abs(y(value) - y(0)));
        return pen.box(x, top, width, height, ink, key);
    }
};

inline std::string expert_key(int expert) { return "e" + std::to_string(expert); }

inline Figure nothing_to_show(std::string why) {
    Figure figure;
    figure.why = std::move(why);
    return figure;
}

} // namespace moescope::lessons
