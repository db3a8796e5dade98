// What eyes make of colours: distance, contrast, and how they look with a colour vision deficiency.
#pragma once

#include <imgui.h>

namespace moescope {

// A colour in OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020).
struct Lab {
    float l = 0, a = 0, b = 0;
};
Lab to_lab(const ImVec4 &colour);
// What a screen cannot show is cut to what it can.
ImVec4 from_lab(const Lab &lab);

// OKLab lightness of a colour, 0..1.
float lightness(const ImVec4 &colour);
// Distance in OKLab: about 0.02 is just noticeable.
float distance(const ImVec4 &a, const ImVec4 &b);
// Contrast ratio as WCAG 2 defines it: 1 (none) to 21.
float contrast(const ImVec4 &a, const ImVec4 &b);
// Black or white: whichever reads better on the colour; never less than 4.5:1.
ImVec4 text_on(const ImVec4 &colour);
// The colour, towards black or white as far as it must be to have that contrast on the ground; at most 21.
ImVec4 readable_on(const ImVec4 &ground, const ImVec4 &colour, float least);

enum class Vision { Usual, Protanopia, Deuteranopia, Tritanopia };
// The colour as somebody sees it who lacks one kind of cones: Machado, Oliveira and Fernandes, "A
// physiologically-based model for simulation of color vision deficiency", 2009, severity 1.
ImVec4 as_seen(const ImVec4 &colour, Vision vision);

} // namespace moescope
