// A drawing as SVG text. Coordinates are pixels from the left upper corner. How a shape looks is a
// list of attributes as they stand in the text: R"(class="bar")", R"(fill="#123456")".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace moescope {

// Text with &, <, >, " and ' as entities, and without what XML forbids: control characters and
// bytes that are not UTF-8.
std::string xml_text(std::string_view text);

class Svg {
  public:
    struct Point {
        double x = 0, y = 0;
    };
    enum class Anchor { Start, Middle, End };

    // title: what screen readers say. style: CSS rules of its own; "" for those of the page.
    Svg(double width, double height, std::string_view title, std::string_view style = {});

    void rect(Point low, Point high, std::string_view look, double radius = 0);
    void line(Point from, Point to, std::string_view look);
    void circle(Point centre, double radius, std::string_view look);
    void polyline(std::span<const Point> points, std::string_view look);
    void polygon(std::span<const Point> points, std::string_view look);
    // y: the baseline.
    void text(Point at, std::string_view words, Anchor anchor, std::string_view look);
    // What is drawn up to end_group() answers the pointer with these words.
    void begin_group(std::string_view tooltip);
    void end_group() { body_ += "</g>\n"; }
    // What is drawn up to end_clip() shows only inside.
    void begin_clip(Point low, Point high);
    void end_clip() { body_ += "</g>\n"; }

    // The whole drawing.
    std::string finish() const { return body_ + "</svg>\n"; }

  private:
    void points(std::string_view tag, std::span<const Point> points, std::string_view look);
    std::string body_;
    int clips_ = 0;
};

} // namespace moescope
