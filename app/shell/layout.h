// Where the window's panes are: pure arithmetic, no drawing.
#pragma once

#include <imgui.h>

namespace moescope {

struct Rect {
    float x = 0, y = 0, width = 0, height = 0;

    float right() const { return x + width; }
    float bottom() const { return y + height; }
    bool empty() const { return width <= 0 || height <= 0; }
    bool overlaps(const Rect &other) const {
        return !empty() && !other.empty() && x < other.right() && other.x < right() &&
               y < other.bottom() && other.y < bottom();
    }
    ImVec2 min() const { return {x, y}; }
    ImVec2 size() const { return {width, height}; }
};

enum class Split { Automatic, On, Off };

// What the user chose; sizes in pixels at 1x.
struct LayoutChoices {
    float workload_width = 312, inspector_width = 296;
    float split_ratio = 0.5f; // of the middle, for the first pane
    bool workload_open = true, inspector_open = true;
    bool menu_open = true; // not remembered: only pictures of one view go without
    Split split = Split::Automatic;
    friend bool operator==(const LayoutChoices &, const LayoutChoices &) = default;
};

// Every pane in pixels; empty where it is not shown. Panes never overlap and fill the window.
struct Layout {
    Rect menu, banner, workload, left_splitter, first, middle_splitter, second, right_splitter, inspector,
        status;
    bool split() const { return !second.empty(); }
};

// Side panes that leave the middle too narrow shrink first, then the inspector closes, then the
// workload does.
Layout lay_out(float width, float height, float scale, const LayoutChoices &choices, bool banner);

// The choices after a splitter moved by dx pixels, kept within what is usable.
LayoutChoices move_left(LayoutChoices choices, float dx, float scale);
LayoutChoices move_right(LayoutChoices choices, float dx, float scale);
LayoutChoices move_middle(LayoutChoices choices, float dx, const Layout &layout);
// Numbers from a settings file, brought within what is usable.
LayoutChoices usable(LayoutChoices choices);

} // namespace moescope
