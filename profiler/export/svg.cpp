#include "profiler/export/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moescope {

namespace {

// Hundredths of a pixel, without zeros at the end; what is no number is drawn at 0.
std::string number(double value) {
    if (!std::isfinite(value))
        return "0";
    const double rounded = std::round(value * 100) / 100;
    return fmt::format("{}", rounded == 0 ? 0 : rounded);
}

// The bytes of the UTF-8 sequence that begins here; 0 where none does.
std::size_t sequence(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const std::size_t size = byte(0) < 0x80             ? 1
                             : (byte(0) & 0xe0) == 0xc0 ? 2
                             : (byte(0) & 0xf0) == 0xe0 ? 3
                             : (byte(0) & 0xf8) == 0xf0 ? 4
                                                        : 0;
    if (size == 0 || size > text.size())
        return 0;
    std::uint32_t code = size == 1 ? byte(0) : byte(0) & (0x7fu >> size);
    for (std::size_t at = 1; at < size; ++at) {
        if ((byte(at) & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (byte(at) & 0x3fu);
    }
    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < kLeast[size] || code > 0x10ffff || surrogate ? 0 : size;
}

} // namespace

std::string xml_text(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t size = sequence(text);
        const char c = text[0];
        if (size == 0)
            out += "\xef\xbf\xbd";
        else if (size > 1)
            out += text.substr(0, size);
        else if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else if (c == '\'')
            out += "&#39;";
        else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
            out += c;
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

Svg::Svg(double width, double height, std::string_view title, std::string_view style) {
    body_ = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{0}\" "
                        "height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n<title>{2}</title>\n",
                        number(width), number(height), xml_text(title));
    if (!style.empty())
        body_ += fmt::format("<style>{}</style>\n", style);
}

void Svg::rect(Point low, Point high, std::string_view look, double radius) {
    body_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", number(low.x),
                         number(low.y), number(std::max(0.0, high.x - low.x)),
                         number(std::max(0.0, high.y - low.y)));
    if (radius > 0)
        body_ += fmt::format(" rx=\"{}\"", number(radius));
    body_ += fmt::format(" {}/>\n", look);
}

void Svg::line(Point from, Point to, std::string_view look) {
    body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>\n", number(from.x),
                         number(from.y), number(to.x), number(to.y), look);
}

void Svg::circle(Point centre, double radius, std::string_view look) {
    body_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {}/>\n", number(centre.x),
                         number(centre.y), number(radius), look);
}

void Svg::points(std::string_view tag, std::span<const Point> points, std::string_view look) {
    if (points.empty())
        return;
    body_ += fmt::format("<{} points=\"", tag);
    for (const Point &point : points)
        body_ += number(point.x) + "," + number(point.y) + " ";
    body_.back() = '"';
    body_ += fmt::format(" {}/>\n", look);
}
void Svg::polyline(std::span<const Point> line, std::string_view look) {
    points("polyline", line, look);
}
void Svg::polygon(std::span<const Point> corners, std::string_view look) {
    points("polygon", corners, look);
}

void Svg::text(Point at, std::string_view words, Anchor anchor, std::string_view look) {
    const char *anchored = anchor == Anchor::Middle ? " text-anchor=\"middle\""
                           : anchor == Anchor::End  ? " text-anchor=\"end\""
                                                    : "";
    body_ += fmt::format("<text x=\"{}\" y=\"{}\"{} {}>{}</text>\n", number(at.x), number(at.y),
                         anchored, look, xml_text(words));
}

void Svg::begin_group(std::string_view tooltip) {
    body_ += fmt::format("<g><title>{}</title>\n", xml_text(tooltip));
}

void Svg::begin_clip(Point low, Point high) {
    const int id = clips_++;
    body_ += fmt::format("<clipPath id=\"clip{}\">", id);
    rect(low, high, "");
    body_ += fmt::format("</clipPath>\n<g clip-path=\"url(#clip{})\">\n", id);
}

} // namespace moescope
