#include "app/render/drawing.h"

#include "app/charts/distance.h"

#include "profiler/export/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace moescope {

namespace {

constexpr std::size_t kLeastOfCircle = 8; // corners

std::string colour_of(const char *what, ImU32 colour) {
    const auto part = [&](int shift) { return unsigned(colour >> shift) & 0xffu; };
    std::string look =
        fmt::format("{}=\"#{:02x}{:02x}{:02x}\"", what, part(IM_COL32_R_SHIFT), part(IM_COL32_G_SHIFT), part(IM_COL32_B_SHIFT));
    if (const unsigned alpha = part(IM_COL32_A_SHIFT); alpha < 255)
        look += fmt::format(" {}-opacity=\"{:.3g}\"", what, alpha / 255.0);
    return look;
}

// Of a shape with a colour at each corner: the mean.
ImU32 mean_colour(const std::vector<ImU32> &colours) {
    ImVec4 sum{0, 0, 0, 0};
    for (const ImU32 each : colours) {
        const ImVec4 c = ImGui::ColorConvertU32ToFloat4(each);
        sum = {sum.x + c.x, sum.y + c.y, sum.z + c.z, sum.w + c.w};
    }
    const float n = float(colours.size());
    return ImGui::ColorConvertFloat4ToU32({sum.x / n, sum.y / n, sum.z / n, sum.w / n});
}

struct Circle {
    ImVec2 centre;
    float radius = 0;
};

std::optional<Circle> as_circle(const std::vector<ImVec2> &points) {
    if (points.size() < kLeastOfCircle)
        return std::nullopt;
    Circle circle;
    for (const ImVec2 &p : points)
        circle.centre = {circle.centre.x + p.x / float(points.size()), circle.centre.y + p.y / float(points.size())};
    float least = 1e9f, most = 0;
    for (const ImVec2 &p : points) {
        const float r = charts::distance(circle.centre, p);
        least = std::min(least, r);
        most = std::max(most, r);
    }
    circle.radius = most;
    return most - least < 0.02f * most ? std::optional(circle) : std::nullopt;
}

bool is_upright(const std::vector<ImVec2> &p) {
    return p.size() == 4 && p[0].y == p[1].y && p[1].x == p[2].x && p[2].y == p[3].y && p[3].x == p[0].x;
}

class Writer {
  public:
    Writer(const Drawing &drawing, std::string_view title, std::string_view family)
        : drawing_(drawing), svg_(drawing.area.high.x - drawing.area.low.x, drawing.area.high.y - drawing.area.low.y, title,
                                  style(family)) {}

    std::string write() {
        const ImVec2 size{drawing_.area.high.x - drawing_.area.low.x, drawing_.area.high.y - drawing_.area.low.y};
        svg_.rect({0, 0}, {size.x, size.y}, colour_of("fill", ImGui::ColorConvertFloat4ToU32(drawing_.background)));
        for (const DrawnShape &shape : drawing_.shapes) {
            change_clip(shape.clipped ? &shape.clip : nullptr);
            write(shape);
        }
        change_clip(nullptr);
        return svg_.finish();
    }

  private:
    static std::string style(std::string_view family) {
        const bool named = !family.empty() && family != "built-in";
        return fmt::format("text {{ font-family: {}sans-serif; white-space: pre }} "
                           ".code {{ font-family: monospace }} .bold {{ font-weight: bold }} "
                           "polyline {{ fill: none; stroke-linejoin: round }}",
                           named ? fmt::format("\"{}\", ", family) : "");
    }

    Svg::Point at(ImVec2 p) const { return {p.x - drawing_.area.low.x, p.y - drawing_.area.low.y}; }

    void change_clip(const DrawnRect *clip) { // null: none
        if (clip && clipped_ && clip->contains(*clipped_) && clipped_->contains(*clip))
            return;
        if (clipped_)
            svg_.end_clip();
        clipped_.reset();
        if (!clip)
            return;
        clipped_ = *clip;
        svg_.begin_clip(at(clip->low), at(clip->high));
    }

    void write(const DrawnShape &shape) {
        switch (shape.kind) {
        case DrawnShape::Kind::Text:
            return write_text(shape);
        case DrawnShape::Kind::Line:
            return write_line(shape);
        case DrawnShape::Kind::Polygon:
            return write_polygon(shape);
        }
    }

    // As wide as it was, whatever font the reader has.
    void write_text(const DrawnShape &shape) {
        const int font = shape.font;
        const std::string look = fmt::format("font-size=\"{:.4g}\" textLength=\"{:.4g}\" lengthAdjust=\"spacingAndGlyphs\"{} {}",
                                             em_pixels(font) * drawing_.scale, shape.width,
                                             font == kBoldFont   ? " class=\"bold\""
                                             : font == kCodeFont ? " class=\"code\""
                                                                 : "",
                                             colour_of("fill", shape.colours[0]));
        svg_.text(at({shape.points[0].x, shape.points[0].y + shape.ascent}), shape.text, Svg::Anchor::Start, look);
    }

    void write_line(const DrawnShape &shape) {
        const std::string look = fmt::format("{} stroke-width=\"{:.3g}\"", colour_of("stroke", shape.colours[0]), shape.thickness);
        if (shape.points.size() == 2)
            return svg_.line(at(shape.points[0]), at(shape.points[1]), look);
        svg_.polyline(moved(shape.points), look);
    }

    void write_polygon(const DrawnShape &shape) {
        const ImU32 colour = shape.colours.size() == 1 ? shape.colours[0] : mean_colour(shape.colours);
        const std::string look = colour_of("fill", colour);
        if (is_upright(shape.points)) {
            const auto [x0, x1] = std::minmax(shape.points[0].x, shape.points[2].x);
            const auto [y0, y1] = std::minmax(shape.points[0].y, shape.points[2].y);
            return svg_.rect(at({x0, y0}), at({x1, y1}), look);
        }
        if (const auto circle = as_circle(shape.points))
            return svg_.circle(at(circle->centre), circle->radius, look);
        svg_.polygon(moved(shape.points), look);
    }

    std::vector<Svg::Point> moved(const std::vector<ImVec2> &points) const {
        std::vector<Svg::Point> result;
        for (const ImVec2 &p : points)
            result.push_back(at(p));
        return result;
    }

    const Drawing &drawing_;
    Svg svg_;
    std::optional<DrawnRect> clipped_;
};

} // namespace

std::string to_svg(const Drawing &drawing, std::string_view title, std::string_view family) {
    return Writer(drawing, title, family).write();
}

} // namespace moescope
