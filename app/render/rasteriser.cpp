#include "app/render/rasteriser.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace moescope {

namespace {

// Vertex positions snap to 1/256 of a pixel, so that edges are exact integers and neighbouring
// triangles neither overlap nor leave gaps.
constexpr std::int64_t kSubpixels = 256;

struct Corner {
    std::int64_t x = 0, y = 0; // in subpixels
    float u = 0, v = 0;        // in texels
    std::array<float, 4> colour{};
};

struct Clip {
    int left = 0, top = 0, right = 0, bottom = 0; // right and bottom excluded
};

// a * x + b * y + c, non-negative on the inside of one edge, at a pixel centre in subpixels.
struct Edge {
    std::int64_t a = 0, b = 0, c = 0;

    Edge(const Corner &from, const Corner &to)
        : a(from.y - to.y), b(to.x - from.x), c(from.x * to.y - from.y * to.x) {
        // Top and left edges own their pixels; the others give them to the neighbour.
        const bool top_left = a > 0 || (a == 0 && b > 0);
        if (!top_left)
            c -= 1;
    }
};

std::int64_t floor_div(std::int64_t n, std::int64_t d) {
    return n / d - ((n % d != 0) && ((n < 0) != (d < 0)));
}
std::int64_t ceil_div(std::int64_t n, std::int64_t d) { return -floor_div(-n, d); }

// A quantity that changes linearly over the triangle.
struct Plane {
    float dx = 0, dy = 0, at_origin = 0;
    float at(float x, float y) const { return at_origin + dx * x + dy * y; }
};

class Gradients {
  public:
    Gradients(const Corner &a, const Corner &b, const Corner &c)
        : ax_(px(a.x)), ay_(px(a.y)), bx_(px(b.x) - ax_), by_(px(b.y) - ay_), cx_(px(c.x) - ax_),
          cy_(px(c.y) - ay_), inverse_(1.0f / (bx_ * cy_ - cx_ * by_)) {}

    Plane plane(float a, float b, float c) const {
        Plane result;
        result.dx = ((b - a) * cy_ - (c - a) * by_) * inverse_;
        result.dy = ((c - a) * bx_ - (b - a) * cx_) * inverse_;
        result.at_origin = a - result.dx * ax_ - result.dy * ay_;
        return result;
    }

  private:
    static float px(std::int64_t subpixels) { return float(subpixels) / float(kSubpixels); }
    float ax_, ay_, bx_, by_, cx_, cy_, inverse_;
};

using Colour = std::array<float, 4>; // 0..255 each

Colour texel(const Texture &texture, int x, int y) {
    x = std::clamp(x, 0, texture.width - 1);
    y = std::clamp(y, 0, texture.height - 1);
    const std::uint8_t *at = texture.rgba + (std::size_t(y) * texture.width + x) * 4;
    return {float(at[0]), float(at[1]), float(at[2]), float(at[3])};
}

// u, v in texels; bilinear between texel centres.
Colour sample(const Texture &texture, float u, float v) {
    u -= 0.5f;
    v -= 0.5f;
    const float left = std::floor(u), top = std::floor(v), fu = u - left, fv = v - top;
    constexpr float kClose = 1.0f / 256;
    if ((fu < kClose || fu > 1 - kClose) && (fv < kClose || fv > 1 - kClose))
        return texel(texture, int(std::lround(u)), int(std::lround(v)));
    const Colour a = texel(texture, int(left), int(top)),
                 b = texel(texture, int(left) + 1, int(top));
    const Colour c = texel(texture, int(left), int(top) + 1),
                 d = texel(texture, int(left) + 1, int(top) + 1);
    Colour result{};
    for (int i = 0; i < 4; ++i)
        result[i] = (a[i] * (1 - fu) + b[i] * fu) * (1 - fv) + (c[i] * (1 - fu) + d[i] * fu) * fv;
    return result;
}

void blend(std::uint8_t *pixel, const Colour &source) {
    const float alpha = source[3] * (1.0f / 255);
    for (int i = 0; i < 3; ++i)
        pixel[i] = std::uint8_t(float(pixel[i]) * (1 - alpha) + source[i] * alpha + 0.5f);
    pixel[3] = std::uint8_t(float(pixel[3]) * (1 - alpha) + source[3] + 0.5f);
}

class Triangle {
  public:
    Triangle(const Corner &a, const Corner &b, const Corner &c, const Texture &texture)
        : texture_(texture), edges_{Edge(a, b), Edge(b, c), Edge(c, a)}, gradients_(a, b, c),
          u_(gradients_.plane(a.u, b.u, c.u)), v_(gradients_.plane(a.v, b.v, c.v)) {
        flat_texture_ = a.u == b.u && b.u == c.u && a.v == b.v && b.v == c.v;
        flat_colour_ = a.colour == b.colour && b.colour == c.colour;
        for (int i = 0; i < 4; ++i)
            colour_[i] = gradients_.plane(a.colour[i], b.colour[i], c.colour[i]);
        constant_colour_ = a.colour;
        if (flat_texture_)
            constant_texel_ = sample(texture, a.u, a.v);
        top_ = std::min({a.y, b.y, c.y});
        bottom_ = std::max({a.y, b.y, c.y});
    }

    void draw(const Clip &clip, Image &image) const {
        const int first = std::max<int>(clip.top, int(floor_div(top_, kSubpixels)));
        const int last = std::min<int>(clip.bottom - 1, int(floor_div(bottom_, kSubpixels)));
        for (int y = first; y <= last; ++y)
            draw_row(y, clip, image);
    }

  private:
    void draw_row(int y, const Clip &clip, Image &image) const {
        std::int64_t from = clip.left, to = clip.right - 1;
        for (const Edge &edge : edges_) {
            // Inside: a * (kSubpixels * x + half) + rest >= 0.
            const std::int64_t half = kSubpixels / 2;
            const std::int64_t rest = edge.b * (y * kSubpixels + half) + edge.c + edge.a * half;
            if (edge.a > 0)
                from = std::max(from, ceil_div(-rest, edge.a * kSubpixels));
            else if (edge.a < 0)
                to = std::min(to, floor_div(rest, -edge.a * kSubpixels));
            else if (rest < 0)
                return;
        }
        if (from > to)
            return;
        std::uint8_t *pixel = image.pixel(int(from), y);
        for (std::int64_t x = from; x <= to; ++x, pixel += 4)
            blend(pixel, shade(float(x) + 0.5f, float(y) + 0.5f));
    }

    Colour shade(float x, float y) const {
        Colour result =
            flat_texture_ ? constant_texel_ : sample(texture_, u_.at(x, y), v_.at(x, y));
        for (int i = 0; i < 4; ++i)
            result[i] *=
                flat_colour_ ? constant_colour_[i] : std::clamp(colour_[i].at(x, y), 0.0f, 1.0f);
        return result;
    }

    const Texture &texture_;
    std::array<Edge, 3> edges_;
    Gradients gradients_;
    Plane u_, v_;
    std::array<Plane, 4> colour_;
    Colour constant_colour_{}, constant_texel_{};
    bool flat_texture_ = false, flat_colour_ = false;
    std::int64_t top_ = 0, bottom_ = 0;
};

std::int64_t snapped(float pixels) {
    constexpr float kFarthest = 1 << 20; // keeps the edge arithmetic inside 64 bits
    return std::llround(std::clamp(pixels, -kFarthest, kFarthest) * float(kSubpixels));
}

Corner corner(const ImDrawVert &vertex, ImVec2 origin, ImVec2 scale, const Texture &texture) {
    Corner result;
    result.x = snapped((vertex.pos.x - origin.x) * scale.x);
    result.y = snapped((vertex.pos.y - origin.y) * scale.y);
    result.u = vertex.uv.x * float(texture.width);
    result.v = vertex.uv.y * float(texture.height);
    const ImVec4 colour = ImGui::ColorConvertU32ToFloat4(vertex.col);
    result.colour = {colour.x, colour.y, colour.z, colour.w};
    return result;
}

void draw_triangle(Corner a, Corner b, Corner c, const Texture &texture, const Clip &clip,
                   Image &image) {
    const std::int64_t area = (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);
    if (area == 0)
        return;
    if (area < 0)
        std::swap(b, c);
    Triangle(a, b, c, texture).draw(clip, image);
}

Clip clip_of(const ImVec4 &rect, ImVec2 origin, ImVec2 scale, const Image &image) {
    const auto inside = [](float pixels, int most) {
        return int(std::clamp(pixels, 0.0f, float(most)));
    };
    Clip clip;
    clip.left = inside((rect.x - origin.x) * scale.x, image.width);
    clip.top = inside((rect.y - origin.y) * scale.y, image.height);
    clip.right = inside((rect.z - origin.x) * scale.x, image.width);
    clip.bottom = inside((rect.w - origin.y) * scale.y, image.height);
    return clip;
}

void draw_command(const ImDrawList &list, const ImDrawCmd &command, const ImDrawData &frame,
                  const Texture &texture, Image &image) {
    const Clip clip = clip_of(command.ClipRect, frame.DisplayPos, frame.FramebufferScale, image);
    if (clip.left >= clip.right || clip.top >= clip.bottom)
        return;
    const auto at = [&](unsigned index) {
        const ImDrawIdx vertex = list.IdxBuffer[int(command.IdxOffset + index)];
        return corner(list.VtxBuffer[int(command.VtxOffset + vertex)], frame.DisplayPos,
                      frame.FramebufferScale, texture);
    };
    for (unsigned i = 0; i + 2 < command.ElemCount; i += 3)
        draw_triangle(at(i), at(i + 1), at(i + 2), texture, clip, image);
}

} // namespace

Texture atlas_texture() {
    unsigned char *pixels = nullptr;
    Texture texture;
    ImGui::GetIO().Fonts->GetTexDataAsRGBA32(&pixels, &texture.width, &texture.height);
    texture.rgba = pixels;
    return texture;
}

void clear(Image &image, const ImVec4 &colour) {
    const auto byte = [](float channel) {
        return std::uint8_t(std::clamp(channel, 0.0f, 1.0f) * 255 + 0.5f);
    };
    for (std::size_t i = 0; i < image.rgba.size(); i += 4) {
        image.rgba[i] = byte(colour.x);
        image.rgba[i + 1] = byte(colour.y);
        image.rgba[i + 2] = byte(colour.z);
        image.rgba[i + 3] = 255;
    }
}

void rasterise(const ImDrawData &frame, const Texture &texture, Image &image) {
    for (const ImDrawList *list : frame.CmdLists)
        for (const ImDrawCmd &command : list->CmdBuffer)
            if (!command.UserCallback)
                draw_command(*list, command, frame, texture, image);
}

} // namespace moescope
