#include "app/render/drawing.h"

#include "app/render/own_context.h"
#include "app/render/rasteriser.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

class Painter {
  public:
    Painter(const Drawing &drawing, float factor, ImDrawList &list) : drawing_(drawing), factor_(factor), list_(list) {}

    void paint() {
        for (const DrawnShape &shape : drawing_.shapes) {
            const DrawnRect &clip = shape.clipped ? shape.clip : drawing_.area;
            list_.PushClipRect(at(clip.low), at(clip.high));
            paint(shape);
            list_.PopClipRect();
        }
    }

  private:
    ImVec2 at(ImVec2 p) const {
        return {(p.x - drawing_.area.low.x) * factor_, (p.y - drawing_.area.low.y) * factor_};
    }

    void paint(const DrawnShape &shape) {
        std::vector<ImVec2> points;
        for (const ImVec2 &p : shape.points)
            points.push_back(at(p));
        switch (shape.kind) {
        case DrawnShape::Kind::Text: {
            ImFont *font = ImGui::GetIO().Fonts->Fonts[std::min(shape.font, ImGui::GetIO().Fonts->Fonts.Size - 1)];
            list_.AddText(font, font->FontSize, points[0], shape.colours[0], shape.text.c_str());
            return;
        }
        case DrawnShape::Kind::Line:
            list_.AddPolyline(points.data(), int(points.size()), shape.colours[0], 0, shape.thickness * factor_);
            return;
        case DrawnShape::Kind::Polygon:
            paint_polygon(shape, points);
        }
    }

    void paint_polygon(const DrawnShape &shape, std::vector<ImVec2> &points) {
        if (shape.colours.size() > 1)
            return paint_shaded(shape, points);
        float area = 0; // ImGui softens the edges of what runs clockwise
        for (std::size_t i = 0; i < points.size(); ++i) {
            const ImVec2 &p = points[i], &q = points[(i + 1) % points.size()];
            area += p.x * q.y - q.x * p.y;
        }
        if (area < 0)
            std::reverse(points.begin(), points.end());
        // Upright edges on whole pixels stay hard, so that neighbours leave no seam.
        const bool upright = std::all_of(points.begin(), points.end(), [&](const ImVec2 &p) {
            return p.x == points[0].x || p.x == points[points.size() / 2].x ? p.y == points[0].y || p.y == points[points.size() / 2].y
                                                                              : false;
        });
        if (points.size() == 4 && upright)
            list_.AddRectFilled({std::min(points[0].x, points[2].x), std::min(points[0].y, points[2].y)},
                                {std::max(points[0].x, points[2].x), std::max(points[0].y, points[2].y)}, shape.colours[0]);
        else
            list_.AddConvexPolyFilled(points.data(), int(points.size()), shape.colours[0]);
    }

    void paint_shaded(const DrawnShape &shape, const std::vector<ImVec2> &points) {
        const int corners = int(points.size());
        list_.PrimReserve((corners - 2) * 3, corners);
        const auto first = ImDrawIdx(list_._VtxCurrentIdx);
        const ImVec2 white = ImGui::GetFontTexUvWhitePixel();
        for (int i = 0; i < corners; ++i)
            list_.PrimWriteVtx(points[std::size_t(i)], white, shape.colours[std::size_t(i)]);
        for (int i = 2; i < corners; ++i) {
            list_.PrimWriteIdx(first);
            list_.PrimWriteIdx(ImDrawIdx(first + i - 1));
            list_.PrimWriteIdx(ImDrawIdx(first + i));
        }
    }

    const Drawing &drawing_;
    const float factor_;
    ImDrawList &list_;
};

} // namespace

Image to_image(const Drawing &drawing, float factor, const FontFiles &fonts) {
    const int width = std::max(1, int(std::lround((drawing.area.high.x - drawing.area.low.x) * factor)));
    const int height = std::max(1, int(std::lround((drawing.area.high.y - drawing.area.low.y) * factor)));
    const OwnContext context;
    build_fonts(*ImGui::GetIO().Fonts, fonts, drawing.scale * factor);
    ImGui::GetIO().DisplaySize = {float(width), float(height)};
    ImGui::NewFrame();
    ImDrawList &list = *ImGui::GetForegroundDrawList();
    Painter(drawing, factor, list).paint();
    ImGui::Render();
    Image image(width, height);
    clear(image, drawing.background);
    rasterise(*ImGui::GetDrawData(), atlas_texture(), image);
    return image;
}

} // namespace moescope
