#include "profiler/export/svg.h"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace moescope;

TEST_CASE("text in XML keeps Unicode, escapes markup and drops what XML forbids") {
    CHECK(xml_text("a < b & \"c\" > 'd' µs") ==
          "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39; µs");
    CHECK(xml_text(std::string("a\0b\x1b\tc\n", 7)) == "ab\tc\n");
    CHECK(xml_text("\xff|\xc3|\xed\xa0\x80|\xc0\x80|\xf4\x90\x80\x80") .find('\xff') ==
          std::string::npos);
    CHECK(xml_text("\xc3") == "\xef\xbf\xbd");
    CHECK(xml_text("\xc0\x80") == "\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(xml_text("") == "");
}

TEST_CASE("a drawing is one SVG element with its shapes in order") {
    Svg svg(100, 50.5, "a & b", "rect{fill:red}");
    svg.begin_group("a <tip>");
    svg.rect({1, 2}, {4, 6}, "class=\"bar\"", 1.5);
    svg.end_group();
    svg.line({0, 0}, {1.005, -2}, "class=\"l\"");
    svg.circle({5, 6}, 2, "");
    const std::vector<Svg::Point> points{{0, 0}, {1, 2}};
    svg.polyline(points, "class=\"p\"");
    svg.polygon(points, "class=\"q\"");
    svg.text({3, 4}, "<x>", Svg::Anchor::End, "class=\"t\"");
    CHECK(svg.finish() ==
          "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"100\" height=\"50.5\" "
          "viewBox=\"0 0 100 50.5\">\n<title>a &amp; b</title>\n<style>rect{fill:red}</style>\n"
          "<g><title>a &lt;tip&gt;</title>\n"
          "<rect x=\"1\" y=\"2\" width=\"3\" height=\"4\" rx=\"1.5\" class=\"bar\"/>\n</g>\n"
          "<line x1=\"0\" y1=\"0\" x2=\"1\" y2=\"-2\" class=\"l\"/>\n"
          "<circle cx=\"5\" cy=\"6\" r=\"2\" />\n"
          "<polyline points=\"0,0 1,2\" class=\"p\"/>\n"
          "<polygon points=\"0,0 1,2\" class=\"q\"/>\n"
          "<text x=\"3\" y=\"4\" text-anchor=\"end\" class=\"t\">&lt;x&gt;</text>\n</svg>\n");
}

TEST_CASE("a drawing has numbers only, whatever it was asked to draw") {
    Svg svg(10, 10, "");
    svg.rect({5, 5}, {1, std::nan("")}, "");
    svg.line({INFINITY, -INFINITY}, {-0.001, 1e-9}, "");
    svg.polyline({}, "");
    const std::string text = svg.finish();
    CHECK(text.find("nan") == std::string::npos);
    CHECK(text.find("inf") == std::string::npos);
    CHECK(text.find("-0\"") == std::string::npos);
    CHECK(text.find("width=\"0\" height=\"0\"") != std::string::npos);
    CHECK(text.find("polyline") == std::string::npos);
}

TEST_CASE("clips of one drawing have names of their own") {
    Svg svg(10, 10, "");
    for (int i = 0; i < 2; ++i) {
        svg.begin_clip({0, 0}, {5, 5});
        svg.end_clip();
    }
    CHECK(svg.finish().find("url(#clip0)") != std::string::npos);
    CHECK(svg.finish().find("url(#clip1)") != std::string::npos);
}
