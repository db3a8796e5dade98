#include "app/lessons/figure.h"

#include "app/lessons/figures/figures.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace moescope::lessons {

namespace {

float mixed(float a, float b, float t) { return a + (b - a) * t; }

Shape moved(const Shape &a, const Shape &b, float t) {
    Shape shape = t < 0.5f ? a : b; // colour and words change half-way
    shape.x = mixed(a.x, b.x, t);
    shape.y = mixed(a.y, b.y, t);
    shape.w = mixed(a.w, b.w, t);
    shape.h = mixed(a.h, b.h, t);
    shape.alpha = mixed(a.alpha, b.alpha, t);
    return shape;
}

Shape faded(Shape shape, float share) {
    shape.alpha *= share;
    return shape;
}

// Words that take the place of others change half-way: faded into one another they could not be read.
std::string key_of(const Shape &shape) {
    if (!shape.key.empty() || shape.kind != Shape::Kind::Words)
        return shape.key;
    return "@" + std::to_string(shape.x) + "," + std::to_string(shape.y) + "," + std::to_string(int(shape.align));
}

// The same in both frames, key or not: it must not flicker.
bool same(const Shape &a, const Shape &b) {
    return a.kind == b.kind && a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h && a.ink == b.ink &&
           a.series == b.series && a.alpha == b.alpha && a.words == b.words && a.bold == b.bold;
}

constexpr FigureMaker kMakers[] = {
    {"softmax_topk", softmax_topk_figure},
    {"group_limited", group_limited_figure},
    {"bitonic_sort", bitonic_sort_figure},
    {"block_merge_sort", block_merge_sort_figure},
    {"tokens_to_tiles", tokens_to_tiles_figure},
    {"tile_pipeline", tile_pipeline_figure},
    {"lora_paths", lora_paths_figure},
    {"ordered_sums", ordered_sums_figure},
    {"nf4_block", nf4_block_figure},
    {"online_softmax", online_softmax_figure},
    {"roofline_reading", roofline_reading_figure},
};

} // namespace

Frame between(const Frame &from, const Frame &to, float t) {
    if (t <= 0)
        return from;
    if (t >= 1)
        return to;
    std::map<std::string, const Shape *> keyed;
    for (const Shape &shape : from.shapes)
        if (const std::string key = key_of(shape); !key.empty())
            keyed[key] = &shape;
    Frame frame;
    frame.caption = t < 0.5f ? from.caption : to.caption;
    frame.note = t < 0.5f ? from.note : to.note;
    std::vector<const Shape *> stay;
    std::vector<Shape> later;
    for (const Shape &shape : to.shapes) {
        const auto before = keyed.find(key_of(shape));
        if (before != keyed.end()) {
            later.push_back(moved(*before->second, shape, t));
            keyed.erase(before);
            continue;
        }
        const auto twin = std::ranges::find_if(from.shapes, [&](const Shape &each) {
            return key_of(shape).empty() && same(each, shape);
        });
        if (twin != from.shapes.end()) {
            stay.push_back(&*twin);
            later.push_back(shape);
        } else {
            later.push_back(faded(shape, t));
        }
    }
    for (const Shape &shape : from.shapes) {
        const std::string key = key_of(shape);
        const bool moves = !key.empty() && !keyed.contains(key);
        if (!moves && std::ranges::find(stay, &shape) == stay.end())
            frame.shapes.push_back(faded(shape, 1 - t));
    }
    std::ranges::move(later, std::back_inserter(frame.shapes));
    return frame;
}

Frame at(const Figure &figure, float position) {
    if (figure.frames.empty())
        return {};
    const float last = float(figure.frames.size() - 1);
    position = std::clamp(position, 0.0f, last);
    const auto index = std::size_t(position);
    const float rest = position - float(index);
    if (rest == 0 || index + 1 >= figure.frames.size())
        return figure.frames[index];
    return between(figure.frames[index], figure.frames[index + 1], rest * rest * (3 - 2 * rest));
}

std::span<const FigureMaker> figure_makers() { return kMakers; }

const FigureMaker *find_figure(std::string_view name) {
    const auto found = std::ranges::find(kMakers, name, &FigureMaker::name);
    return found == std::end(kMakers) ? nullptr : &*found;
}

Shape &Pen::add(Shape shape) { return frame_->shapes.emplace_back(std::move(shape)); }

Shape &Pen::box(float x, float y, float w, float h, Ink ink, std::string key) {
    return add({.kind = Shape::Kind::Box, .key = std::move(key), .x = x, .y = y, .w = w, .h = h, .ink = ink});
}
Shape &Pen::outline(float x, float y, float w, float h, Ink ink, std::string key) {
    return add({.kind = Shape::Kind::Frame, .key = std::move(key), .x = x, .y = y, .w = w, .h = h, .ink = ink});
}
Shape &Pen::line(float x1, float y1, float x2, float y2, Ink ink, std::string key) {
    return add({.kind = Shape::Kind::Line, .key = std::move(key), .x = x1, .y = y1, .w = x2, .h = y2, .ink = ink});
}
Shape &Pen::arrow(float x1, float y1, float x2, float y2, Ink ink, std::string key) {
    return add({.kind = Shape::Kind::Arrow, .key = std::move(key), .x = x1, .y = y1, .w = x2, .h = y2, .ink = ink});
}
Shape &Pen::disc(float x, float y, float radius, Ink ink, std::string key) {
    return add({.kind = Shape::Kind::Disc, .key = std::move(key), .x = x, .y = y, .w = radius, .ink = ink});
}
Shape &Pen::words(float x, float y, std::string words, Ink ink, Shape::Align align, std::string key) {
    return add({.kind = Shape::Kind::Words,
                .key = std::move(key),
                .x = x,
                .y = y,
                .h = kWordHeight,
                .ink = ink,
                .words = std::move(words),
                .align = align});
}

Pen next_frame(Figure &figure, std::string caption) {
    Frame &frame = figure.frames.emplace_back();
    frame.caption = std::move(caption);
    return Pen(frame);
}

} // namespace moescope::lessons
