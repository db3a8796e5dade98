#include "app/render/rasteriser.h"

#include <catch2/catch_test_macros.hpp>

#include <array>

using namespace moescope;

namespace {

constexpr ImVec4 kBlack{0, 0, 0, 1};
constexpr std::array<std::uint8_t, 16> kTexels = {255, 255, 255, 255, 255, 255, 255, 0,
                                                  255, 0,   0,   255, 0,   0,   255, 255};

Texture texture() { return {kTexels.data(), 2, 2}; }

// The uv of a texel's centre.
ImVec2 texel(int x, int y) { return {(float(x) + 0.5f) / 2, (float(y) + 0.5f) / 2}; }

// One draw list of triangles with one clip rectangle, as ImGui hands it over.
class Frame {
  public:
    explicit Frame(ImVec4 clip = {0, 0, 64, 64}) : list_(nullptr) {
        data_.DisplaySize = {64, 64};
        data_.FramebufferScale = {1, 1};
        command_.ClipRect = clip;
    }
    void triangle(std::array<ImVec2, 3> corners, std::array<ImU32, 3> colours,
                  std::array<ImVec2, 3> uv) {
        for (int i = 0; i < 3; ++i) {
            list_.IdxBuffer.push_back(ImDrawIdx(list_.VtxBuffer.Size));
            ImDrawVert vertex;
            vertex.pos = corners[std::size_t(i)];
            vertex.uv = uv[std::size_t(i)];
            vertex.col = colours[std::size_t(i)];
            list_.VtxBuffer.push_back(vertex);
        }
        command_.ElemCount += 3;
    }
    void triangle(std::array<ImVec2, 3> corners, ImU32 colour) {
        triangle(corners, {colour, colour, colour}, {texel(0, 0), texel(0, 0), texel(0, 0)});
    }
    Image draw(int width = 16, int height = 16) {
        list_.CmdBuffer.push_back(command_);
        data_.CmdLists.push_back(&list_);
        data_.CmdListsCount = 1;
        Image image(width, height);
        clear(image, kBlack);
        rasterise(data_, texture(), image);
        return image;
    }

  private:
    ImDrawList list_;
    ImDrawCmd command_;
    ImDrawData data_;
};

int lit(const Image &image) {
    int count = 0;
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x)
            count += image.pixel(x, y)[0] > 0;
    return count;
}

constexpr ImU32 kWhite = IM_COL32(255, 255, 255, 255), kHalf = IM_COL32(255, 255, 255, 128);

} // namespace

TEST_CASE("a rectangle of two triangles covers exactly its pixels") {
    Frame frame;
    frame.triangle({{{2, 3}, {7, 3}, {7, 5}}}, kWhite);
    frame.triangle({{{2, 3}, {7, 5}, {2, 5}}}, kWhite);
    const Image image = frame.draw();
    CHECK(lit(image) == 5 * 2);
    CHECK(image.pixel(2, 3)[0] == 255);
    CHECK(image.pixel(6, 4)[0] == 255);
    CHECK(image.pixel(7, 4)[0] == 0);
    CHECK(image.pixel(2, 5)[0] == 0);
}

TEST_CASE("a shared edge is drawn once, whatever its direction") {
    // Four triangles fanned round an inner point at an odd position: half-transparent white drawn
    // twice would be brighter than drawn once, drawn never would stay black.
    Frame frame;
    const ImVec2 middle{5.3f, 8.7f}, a{0, 0}, b{16, 0}, c{16, 16}, d{0, 16};
    frame.triangle({{a, b, middle}}, kHalf);
    frame.triangle({{b, middle, c}}, kHalf); // the other winding
    frame.triangle({{middle, c, d}}, kHalf);
    frame.triangle({{d, a, middle}}, kHalf);
    const Image image = frame.draw();
    for (int y = 0; y < 16; ++y)
        for (int x = 0; x < 16; ++x)
            REQUIRE(int(image.pixel(x, y)[0]) == 128);
}

TEST_CASE("nothing is drawn outside the clip rectangle or the image") {
    Frame frame({4, 5, 8, 9});
    frame.triangle({{{-100, -100}, {300, -100}, {-100, 300}}}, kWhite);
    const Image image = frame.draw();
    CHECK(lit(image) == 4 * 4);
    CHECK(image.pixel(4, 5)[0] == 255);
    CHECK(image.pixel(3, 5)[0] == 0);
    CHECK(image.pixel(8, 8)[0] == 0);
}

TEST_CASE("colours run linearly between the corners") {
    Frame frame;
    const ImU32 black = IM_COL32(0, 0, 0, 255);
    frame.triangle({{{0, 0}, {16, 0}, {0, 16}}}, {black, kWhite, black},
                   {texel(0, 0), texel(0, 0), texel(0, 0)});
    const Image image = frame.draw();
    CHECK(std::abs(int(image.pixel(0, 0)[0]) - int(255 * 0.5 / 16 + 0.5)) <= 1);
    CHECK(std::abs(int(image.pixel(10, 2)[0]) - int(255 * 10.5 / 16 + 0.5)) <= 1);
}

TEST_CASE("the texture is sampled at texel centres and between them") {
    Frame frame;
    // Two by two texels on four by four pixels.
    const ImVec2 zero{0, 0}, right{1, 0}, below{0, 1}, both{1, 1};
    frame.triangle({{{0, 0}, {4, 0}, {4, 4}}}, {kWhite, kWhite, kWhite}, {zero, right, both});
    frame.triangle({{{0, 0}, {4, 4}, {0, 4}}}, {kWhite, kWhite, kWhite}, {zero, both, below});
    const Image image = frame.draw(4, 4);
    // Bottom row, a quarter of the way from red to blue: (u, v) = (0.375, 0.875).
    CHECK(std::abs(int(image.pixel(1, 3)[0]) - 191) <= 2);
    CHECK(std::abs(int(image.pixel(1, 3)[2]) - 64) <= 2);
    // The transparent texel at the top right leaves the background.
    CHECK(int(image.pixel(3, 0)[0]) == 0);
}

TEST_CASE("blending weighs with the source's alpha and keeps the picture opaque") {
    Frame frame;
    frame.triangle({{{0, 0}, {32, 0}, {0, 32}}}, IM_COL32(200, 100, 0, 51));
    const Image image = frame.draw();
    CHECK(int(image.pixel(1, 1)[0]) == 40);
    CHECK(int(image.pixel(1, 1)[1]) == 20);
    CHECK(int(image.pixel(1, 1)[3]) == 255);
}

TEST_CASE("triangles without area and wild coordinates draw nothing and harm nothing") {
    Frame frame;
    frame.triangle({{{1, 1}, {5, 5}, {9, 9}}}, kWhite);
    frame.triangle({{{1e30f, 1}, {1e30f, 5}, {1e30f, 9}}}, kWhite);
    CHECK(lit(frame.draw()) == 0);
}
