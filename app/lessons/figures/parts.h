// Pieces that several figures are made of.
#pragma once

#include "app/lessons/figure.h"

#include <fmt/format.h>

#include <algorithm>
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

inline std::string expert_key(int expert) { return "e" + std::to_string(expert); }

inline Figure nothing_to_show(std::string why) {
    Figure figure;
    figure.why = std::move(why);
    return figure;
}

} // namespace moescope::lessons
