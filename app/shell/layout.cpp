#include "app/shell/layout.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

// Pixels at 1x.
constexpr float kSplitter = 8, kStatus = 28, kBanner = 32, kMenu = 28;
constexpr float kLeastSide = 248, kMostSide = 520, kLeastMiddle = 420, kSplitFrom = 1080;
constexpr float kLeastRatio = 0.2f;

struct Sides {
    float workload = 0, inspector = 0; // 0: closed
};

float splitter_after(float pane, float scale) {
    return pane > 0 ? std::round(kSplitter * scale) : 0;
}

Sides fit_sides(float width, float scale, const LayoutChoices &choices) {
    Sides sides;
    const float least = std::round(kLeastSide * scale);
    sides.workload = choices.workload_open ? std::round(choices.workload_width * scale) : 0;
    sides.inspector = choices.inspector_open ? std::round(choices.inspector_width * scale) : 0;
    const auto lacking = [&] {
        return kLeastMiddle * scale -
               (width - sides.workload - sides.inspector - splitter_after(sides.workload, scale) -
                splitter_after(sides.inspector, scale));
    };
    for (float *side : {&sides.inspector, &sides.workload})
        if (*side > 0 && lacking() > 0)
            *side = std::max(least, std::floor(*side - lacking()));
    for (float *side : {&sides.inspector, &sides.workload})
        if (*side > 0 && lacking() > 0)
            *side = 0;
    return sides;
}

void place_middle(Layout &layout, Rect middle, float scale, const LayoutChoices &choices) {
    const bool room = middle.width >= kSplitFrom * scale;
    const bool fits = middle.width >= 2 * 280 * scale;
    const bool split =
        choices.split == Split::On ? fits : choices.split == Split::Automatic && room;
    layout.first = middle;
    if (!split)
        return;
    const float splitter = std::round(kSplitter * scale);
    layout.first.width = std::round((middle.width - splitter) * choices.split_ratio);
    layout.middle_splitter = {layout.first.right(), middle.y, splitter, middle.height};
    layout.second = {layout.middle_splitter.right(), middle.y,
                     middle.right() - layout.middle_splitter.right(), middle.height};
}

} // namespace

Layout lay_out(float width, float height, float scale, const LayoutChoices &choices, bool banner) {
    Layout layout;
    const float status = std::min(height, std::round(kStatus * scale));
    layout.status = {0, height - status, width, status};
    float top = 0;
    const auto bar = [&](float height_at_1x) {
        const Rect rect{0, top, width, std::min(layout.status.y - top, std::round(height_at_1x * scale))};
        top = rect.bottom();
        return rect;
    };
    if (choices.menu_open)
        layout.menu = bar(kMenu);
    if (banner)
        layout.banner = bar(kBanner);
    const float tall = std::max(0.0f, layout.status.y - top);
    const Sides sides = fit_sides(width, scale, choices);
    Rect middle{0, top, width, tall};
    if (sides.workload > 0) {
        layout.workload = {0, top, sides.workload, tall};
        layout.left_splitter = {sides.workload, top, splitter_after(sides.workload, scale), tall};
        middle.x = layout.left_splitter.right();
        middle.width = width - middle.x;
    }
    if (sides.inspector > 0) {
        layout.inspector = {width - sides.inspector, top, sides.inspector, tall};
        const float splitter = splitter_after(sides.inspector, scale);
        layout.right_splitter = {layout.inspector.x - splitter, top, splitter, tall};
        middle.width = layout.right_splitter.x - middle.x;
    }
    place_middle(layout, middle, scale, choices);
    return layout;
}

LayoutChoices usable(LayoutChoices choices) {
    const auto within = [](float value, float least, float most, float otherwise) {
        return std::isfinite(value) ? std::clamp(value, least, most) : otherwise;
    };
    const LayoutChoices standard;
    choices.workload_width =
        within(choices.workload_width, kLeastSide, kMostSide, standard.workload_width);
    choices.inspector_width =
        within(choices.inspector_width, kLeastSide, kMostSide, standard.inspector_width);
    choices.split_ratio =
        within(choices.split_ratio, kLeastRatio, 1 - kLeastRatio, standard.split_ratio);
    return choices;
}

LayoutChoices move_left(LayoutChoices choices, float dx, float scale) {
    choices.workload_width += dx / scale;
    return usable(choices);
}

LayoutChoices move_right(LayoutChoices choices, float dx, float scale) {
    choices.inspector_width -= dx / scale;
    return usable(choices);
}

LayoutChoices move_middle(LayoutChoices choices, float dx, const Layout &layout) {
    const float both = layout.first.width + layout.second.width;
    if (both > 0)
        choices.split_ratio += dx / both;
    return usable(choices);
}

} // namespace moescope
