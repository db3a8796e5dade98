// A colour scale for magnitudes: the theme's stops, in even steps of OKLab, lightness always rising, so that
// it reads with every kind of colour vision and in grey.
#pragma once

#include "app/colour.h"
#include "app/theme.h"
#include "profiler/explain/evidence.h"

namespace moescope::charts {

// t in 0..1, clamped. 1 stands out most from the theme's background, 0 least.
ImVec4 sequential(const Theme &theme, float t);

using moescope::distance;
using moescope::lightness;
using moescope::text_on;

// A horizontal strip of the scale with a label at each end, as one item at the cursor; `explain` on
// hover. The left end is t = 0.
void colour_strip(const Theme &theme, float width, const char *low, const char *high,
                  Evidence evidence, const char *explain);

} // namespace moescope::charts
