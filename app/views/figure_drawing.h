// Draws a figure's frame with the theme's colours and fonts.
#pragma once

#include "app/lessons/figure.h"
#include "app/theme.h"

#include <imgui.h>

namespace moescope {

// factor: pixels of one of the frame's units.
void draw_frame(ImDrawList &draw, ImVec2 origin, float factor, const Theme &theme, const lessons::Frame &frame);

// Where words come to stand, from the picture's corner.
struct WordsBox {
    ImVec2 low, high;
};
WordsBox words_box(const lessons::Shape &words, float factor);

// The uppermost shape that the pointer is on; null: none.
const lessons::Shape *shape_at(const lessons::Frame &frame, ImVec2 origin, float factor, ImVec2 pointer);

} // namespace moescope
