// Between two points, in pixels. Not std::hypot, which glibc 2.35 has anew: the programs run on an older one too.
#pragma once

#include <imgui.h>

#include <cmath>

namespace moescope::charts {

inline float distance(ImVec2 a, ImVec2 b) {
    const float dx = b.x - a.x, dy = b.y - a.y;
    return std::sqrt(dx * dx + dy * dy);
}

} // namespace moescope::charts
