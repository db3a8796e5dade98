// Draws a figure's frame with the theme's colours and fonts.
#pragma once

#include "app/lessons/figure.h"
#include "app/theme.h"

#include <imgui.h>

namespace moescope {

// factor: pixels of one of the frame's units.
void draw_frame(ImDrawList &draw, ImVec2 origin, float factor, const Theme &theme, const lessons::Frame &frame);

} // namespace moescope
