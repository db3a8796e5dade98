// A colour scale for magnitudes: even steps in OKLab (Ottosson 2020), lightness always rising, from
// violet through green to yellow, so that it reads with every kind of colour vision and in grey.
#pragma once

#include "app/theme.h"

namespace moescope::charts {

// t in 0..1, clamped. 1 stands out most from the theme's background, 0 least.
ImVec4 sequential(bool dark, float t);

// OKLab lightness of a colour, 0..1.
float lightness(const ImVec4 &colour);
// Distance in OKLab: about 0.02 is just noticeable.
float distance(const ImVec4 &a, const ImVec4 &b);
// Near black or white: whichever reads better on the colour.
ImVec4 text_on(const ImVec4 &colour);

// A horizontal strip of the scale with a label at each end, as one item at the cursor; `explain` on
// hover. The left end is t = 0.
void colour_strip(const Theme &theme, float width, const char *low, const char *high,
                  const char *explain);

} // namespace moescope::charts
