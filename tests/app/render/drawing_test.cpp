// A frame read back as shapes and words: what was drawn is what is found.
#include "app/render/drawing.h"
#include "app/render/own_context.h"
#include "app/render/rasteriser.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <functional>

using namespace moescope;
using Kind = DrawnShape::Kind;
using Catch::Approx;

namespace {

constexpr ImU32 kRed = IM_COL32(200, 30, 40, 255), kBlue = IM_COL32(20, 60, 220, 128);
constexpr DrawnRect kArea{{20, 10}, {220, 110}};
constexpr ImVec4 kBackground{0.1f, 0.2f, 0.3f, 1};

class Canvas {
  public:
    Canvas() {
        build_fonts(*ImGui::GetIO().Fonts, fonts, 1);
        ImGui::GetIO().DisplaySize = {240, 120};
    }

    Drawing read(const std::function<void(ImDrawList &)> &draw, bool plain = true) {
        const std::unique_ptr<PlainShapes> shapes = plain ? std::make_unique<PlainShapes>() : nullptr;
        ImGui::NewFrame();
        draw(*ImGui::GetForegroundDrawList());
        ImGui::Render();
        std::vector<const ImDrawList *> lists;
        for (const ImDrawList *list : ImGui::GetDrawData()->CmdLists)
            lists.push_back(list);
        return read_drawing(lists, kArea, kBackground, 1);
    }
    Image pixels() const {
        Image image(240, 120);
        clear(image, kBackground);
        rasterise(*ImGui::GetDrawData(), atlas_texture(), image);
        return image;
    }

    FontFiles fonts = find_fonts();

  private:
    OwnContext context_;
};

void draw_everything(ImDrawList &list) {
    list.AddRectFilled({30, 20}, {80, 60}, kRed);
    list.AddRectFilledMultiColor({90, 20}, {130, 60}, kRed, kBlue, kBlue, kRed);
    list.AddCircleFilled({160, 40}, 12, kBlue);
    const ImVec2 line[] = {{30, 90}, {60, 70}, {90, 95}};
    list.AddPolyline(line, 3, kRed, 0, 2);
    list.AddTriangleFilled({100, 100}, {120, 70}, {130, 100}, kRed);
    list.AddText({132, 70}, kBlue, "12.5 µs");
}

// Mean difference of a channel, 0..255, inside the area.
double difference(const Image &frame, const Image &drawn) {
    double sum = 0;
    for (int y = 0; y < drawn.height; ++y)
        for (int x = 0; x < drawn.width; ++x)
            for (int c = 0; c < 3; ++c)
                sum += std::abs(int(drawn.pixel(x, y)[c]) - int(frame.pixel(x + int(kArea.low.x), y + int(kArea.low.y))[c]));
    return sum / (3.0 * drawn.width * drawn.height);
}

} // namespace

TEST_CASE("fills, lines and circles are found where they were drawn, in order", "[drawing]") {
    Canvas canvas;
    const Drawing drawing = canvas.read([](ImDrawList &list) {
        list.AddRectFilled({30, 20}, {80, 60}, kRed);
        list.AddLine({30, 70}, {90, 70}, kBlue, 1);
        list.AddCircleFilled({160, 40}, 12, kBlue);
    });
    REQUIRE(drawing.shapes.size() == 3);
    CHECK(drawing.shapes[0].kind == Kind::Polygon);
    CHECK(drawing.shapes[0].colours == std::vector<ImU32>{kRed});
    CHECK(drawing.shapes[0].points.size() == 4);
    CHECK(drawing.shapes[1].kind == Kind::Line);
    CHECK(drawing.shapes[1].thickness == Approx(1).margin(0.01));
    CHECK(drawing.shapes[1].points.front().x == Approx(30.5));
    CHECK(drawing.shapes[1].points.back().x == Approx(90.5));
    CHECK(drawing.shapes[2].points.size() > 8);
}

TEST_CASE("the pieces of a line are one line", "[drawing]") {
    Canvas canvas;
    const Drawing drawing = canvas.read([](ImDrawList &list) {
        std::vector<ImVec2> points;
        for (int i = 0; i < 20; ++i)
            points.push_back({30 + 5.0f * float(i), 50});
        list.AddPolyline(points.data(), int(points.size()), kRed, 0, 2);
    });
    REQUIRE(drawing.shapes.size() == 1);
    CHECK(drawing.shapes[0].points.size() == 20);
}

TEST_CASE("words come back as they were, by line, colour and font", "[drawing]") {
    Canvas canvas;
    const Drawing drawing = canvas.read([](ImDrawList &list) {
        list.AddText({30, 20}, kRed, "12.5 µs  fused");
        list.AddText({30, 40}, kBlue, "second\nthird line");
        ImFont *bold = ImGui::GetIO().Fonts->Fonts[kBoldFont];
        list.AddText(bold, bold->FontSize, {30, 80}, kBlue, "bold");
    });
    std::vector<std::string> words;
    for (const DrawnShape &shape : drawing.shapes) {
        CHECK(shape.kind == Kind::Text);
        words.push_back(shape.text);
    }
    CHECK(words == std::vector<std::string>{"12.5 µs  fused", "second", "third line", "bold"});
    CHECK(drawing.shapes[3].font == kBoldFont);
    ImFont *body = ImGui::GetIO().Fonts->Fonts[kBodyFont];
    CHECK(drawing.shapes[0].width == Approx(body->CalcTextSizeA(body->FontSize, FLT_MAX, 0, "12.5 µs  fused").x).margin(0.5));
}

TEST_CASE("what lies outside the area or its clip is left out, what crosses it is clipped", "[drawing]") {
    Canvas canvas;
    const Drawing drawing = canvas.read([](ImDrawList &list) {
        list.AddRectFilled({0, 0}, {10, 9}, kRed); // outside
        list.PushClipRect({30, 30}, {60, 60});
        list.AddRectFilled({100, 30}, {110, 50}, kRed); // outside the clip
        list.AddRectFilled({40, 40}, {80, 50}, kBlue);  // across its edge
        list.AddRectFilled({40, 40}, {50, 50}, kRed);   // inside
        list.PopClipRect();
    });
    REQUIRE(drawing.shapes.size() == 2);
    CHECK(drawing.shapes[0].clip.high.x == 60);
    CHECK(drawing.shapes[0].clipped);
    CHECK_FALSE(drawing.shapes[1].clipped);
}

TEST_CASE("drawn again it looks as it did, and twice as large it has twice the pixels", "[drawing]") {
    Canvas canvas;
    const Drawing drawing = canvas.read(draw_everything);
    const Image same = to_image(drawing, 1, canvas.fonts);
    REQUIRE(same.width == 200);
    REQUIRE(same.height == 100);
    canvas.read(draw_everything, /*plain=*/false);
    CHECK(difference(canvas.pixels(), same) < 1.0);
    // An empty picture would be far off.
    Image empty(200, 100);
    clear(empty, kBackground);
    CHECK(difference(canvas.pixels(), empty) > 8.0);

    const Image twice = to_image(drawing, 2, canvas.fonts);
    CHECK(twice.width == 400);
    CHECK(twice.height == 200);
    const std::uint8_t *red = twice.pixel((55 - 20) * 2, (40 - 10) * 2);
    CHECK(int(red[0]) == 200);
    CHECK(int(red[1]) == 30);
}

TEST_CASE("room round a drawing is empty and moves it", "[drawing]") {
    Canvas canvas;
    const Drawing drawing = with_margin(canvas.read([](ImDrawList &list) { list.AddRectFilled({0, 20}, {80, 60}, kRed); }), 10);
    const Image image = to_image(drawing, 1, canvas.fonts);
    CHECK(image.width == 220);
    CHECK(int(image.pixel(5, 30)[0]) != 200); // beyond the area's edge
    CHECK(int(image.pixel(12, 30)[0]) == 200);
}

TEST_CASE("as SVG it has real words, lines and circles", "[drawing]") {
    Canvas canvas;
    const std::string svg = to_svg(canvas.read(draw_everything), "a <plot>", "Some Sans");
    CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"200\" height=\"100\""));
    CHECK(svg.find("<title>a &lt;plot&gt;</title>") != std::string::npos);
    CHECK(svg.find(">12.5 µs</text>") != std::string::npos);
    CHECK(svg.find("textLength=") != std::string::npos);
    CHECK(svg.find("<circle cx=\"140\" cy=\"30\" r=\"12\"") != std::string::npos);
    CHECK(svg.find("<polyline points=\"10,80 40,60") != std::string::npos);
    CHECK(svg.find("<rect x=\"10\" y=\"10\" width=\"50\" height=\"40\" fill=\"#c81e28\"") != std::string::npos);
    CHECK(svg.find("fill-opacity=\"0.502\"") != std::string::npos);
    CHECK(svg.find("font-family: \"Some Sans\"") != std::string::npos);
    CHECK(svg.ends_with("</svg>\n"));
}
