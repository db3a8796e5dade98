// What ImGui drew, read back from its triangles as shapes and words: a part of a frame as a picture of
// any size, as SVG with real text and lines or as pixels. Works for whatever a view draws, with no
// second drawing code.
#pragma once

#include "app/render/image.h"
#include "app/shell/fonts.h"

#include <imgui.h>

#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct DrawnRect {
    ImVec2 low, high;
    bool contains(const DrawnRect &other) const {
        return other.low.x >= low.x && other.low.y >= low.y && other.high.x <= high.x && other.high.y <= high.y;
    }
    bool meets(const DrawnRect &other) const {
        return other.low.x < high.x && other.high.x > low.x && other.low.y < high.y && other.high.y > low.y;
    }
};

struct DrawnShape {
    enum class Kind { Polygon, Line, Text };
    Kind kind = Kind::Polygon;
    std::vector<ImVec2> points;  // a polygon's corners, a line's points, a text's left end on its top line
    std::vector<ImU32> colours;  // one; or one a corner
    float thickness = 0;         // of a line
    std::string text;            // UTF-8
    int font = 0;                // its place in the atlas
    float ascent = 0, width = 0; // of a text: from its top line to its baseline, and to its right end
    bool clipped = false;        // shows only inside:
    DrawnRect clip;
};

struct Drawing {
    DrawnRect area;
    ImVec4 background{1, 1, 1, 1};
    float scale = 1; // of its text: what the fonts were built for
    std::vector<DrawnShape> shapes; // those drawn later lie over the ones before
};

// While it lives, ImGui draws each line and fill as one shape with hard edges, as read_drawing() wants
// them. Make it before the frame begins.
class PlainShapes {
  public:
    PlainShapes();
    ~PlainShapes();
    PlainShapes(const PlainShapes &) = delete;
    PlainShapes &operator=(const PlainShapes &) = delete;

  private:
    bool lines_, fill_;
};

// What these lists of a frame drew inside the area.
Drawing read_drawing(const std::vector<const ImDrawList *> &lists, const DrawnRect &area, const ImVec4 &background,
                     float scale);

// With empty room round it.
Drawing with_margin(Drawing drawing, float pixels);

// family: of the proportional fonts; "" for any without serifs.
std::string to_svg(const Drawing &drawing, std::string_view title, std::string_view family);

// `factor` pixels a pixel of the frame, its text set anew at that size. In an ImGui context of its own.
Image to_image(const Drawing &drawing, float factor, const FontFiles &fonts);

} // namespace moescope
