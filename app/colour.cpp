#include "app/colour.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace moescope {

namespace {

float linear(float channel) {
    return channel <= 0.04045f ? channel / 12.92f : std::pow((channel + 0.055f) / 1.055f, 2.4f);
}
float encoded(float channel) {
    channel = std::clamp(channel, 0.0f, 1.0f);
    return channel <= 0.0031308f ? channel * 12.92f : 1.055f * std::pow(channel, 1 / 2.4f) - 0.055f;
}

float luminance(const ImVec4 &colour) {
    return 0.2126f * linear(colour.x) + 0.7152f * linear(colour.y) + 0.0722f * linear(colour.z);
}

using Matrix = std::array<float, 9>;
constexpr std::array<Matrix, 4> kSeen = {
    Matrix{1, 0, 0, 0, 1, 0, 0, 0, 1},
    Matrix{0.152286f, 1.052583f, -0.204868f, 0.114503f, 0.786281f, 0.099216f, -0.003882f,
           -0.048116f, 1.051998f},
    Matrix{0.367322f, 0.860646f, -0.227968f, 0.280085f, 0.672501f, 0.047413f, -0.011820f, 0.042940f,
           0.968881f},
    Matrix{1.255528f, -0.076749f, -0.178779f, -0.078411f, 0.930809f, 0.147602f, 0.004733f,
           0.691367f, 0.303900f}};

} // namespace

Lab to_lab(const ImVec4 &colour) {
    const float r = linear(colour.x), g = linear(colour.y), b = linear(colour.z);
    const float l = std::cbrt(0.4122214708f * r + 0.5363325363f * g + 0.0514459929f * b);
    const float m = std::cbrt(0.2119034982f * r + 0.6806995451f * g + 0.1073969566f * b);
    const float s = std::cbrt(0.0883024619f * r + 0.2817188376f * g + 0.6299787005f * b);
    return {0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
            1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
            0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s};
}

ImVec4 from_lab(const Lab &lab) {
    const auto cube = [](float value) { return value * value * value; };
    const float l = cube(lab.l + 0.3963377774f * lab.a + 0.2158037573f * lab.b);
    const float m = cube(lab.l - 0.1055613458f * lab.a - 0.0638541728f * lab.b);
    const float s = cube(lab.l - 0.0894841775f * lab.a - 1.2914855480f * lab.b);
    return {encoded(4.0767416621f * l - 3.3077115913f * m + 0.2309699292f * s),
            encoded(-1.2684380046f * l + 2.6097574011f * m - 0.3413193965f * s),
            encoded(-0.0041960863f * l - 0.7034186147f * m + 1.7076147010f * s), 1};
}

float lightness(const ImVec4 &colour) { return to_lab(colour).l; }

float distance(const ImVec4 &a, const ImVec4 &b) {
    const Lab x = to_lab(a), y = to_lab(b);
    return std::sqrt((x.l - y.l) * (x.l - y.l) + (x.a - y.a) * (x.a - y.a) +
                     (x.b - y.b) * (x.b - y.b));
}

float contrast(const ImVec4 &a, const ImVec4 &b) {
    const float x = luminance(a), y = luminance(b);
    return (std::max(x, y) + 0.05f) / (std::min(x, y) + 0.05f);
}

ImVec4 text_on(const ImVec4 &colour) {
    const ImVec4 black(0, 0, 0, 1), white(1, 1, 1, 1);
    return contrast(colour, black) > contrast(colour, white) ? black : white;
}

ImVec4 readable_on(const ImVec4 &ground, const ImVec4 &colour, float least) {
    const ImVec4 end = text_on(ground);
    ImVec4 seen = colour;
    for (float t = 0; contrast(seen, ground) < least && t < 1; t += 0.02f)
        seen = {colour.x + (end.x - colour.x) * t, colour.y + (end.y - colour.y) * t,
                colour.z + (end.z - colour.z) * t, colour.w};
    return seen;
}

ImVec4 as_seen(const ImVec4 &colour, Vision vision) {
    const Matrix &m = kSeen[std::size_t(vision)];
    const float r = linear(colour.x), g = linear(colour.y), b = linear(colour.z);
    return {encoded(m[0] * r + m[1] * g + m[2] * b), encoded(m[3] * r + m[4] * g + m[5] * b),
            encoded(m[6] * r + m[7] * g + m[8] * b), colour.w};
}

} // namespace moescope
