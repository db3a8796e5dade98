#include "app/charts/colour_scale.h"

#include "app/views/ui.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace moescope::charts {

namespace {

struct Lab {
    float l, a, b;
};

float linear(float channel) {
    return channel <= 0.04045f ? channel / 12.92f : std::pow((channel + 0.055f) / 1.055f, 2.4f);
}
float encoded(float channel) {
    return channel <= 0.0031308f ? channel * 12.92f : 1.055f * std::pow(channel, 1 / 2.4f) - 0.055f;
}

// Björn Ottosson, "A perceptual color space for image processing", 2020: the published matrices.
Lab to_lab(const ImVec4 &colour) {
    const float r = linear(colour.x), g = linear(colour.y), b = linear(colour.z);
    const float l = std::cbrt(0.4122214708f * r + 0.5363325363f * g + 0.0514459929f * b);
    const float m = std::cbrt(0.2119034982f * r + 0.6806995451f * g + 0.1073969566f * b);
    const float s = std::cbrt(0.0883024619f * r + 0.2817188376f * g + 0.6299787005f * b);
    return {0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
            1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
            0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s};
}

ImVec4 to_linear_rgb(const Lab &lab) {
    const auto cube = [](float value) { return value * value * value; };
    const float l = cube(lab.l + 0.3963377774f * lab.a + 0.2158037573f * lab.b);
    const float m = cube(lab.l - 0.1055613458f * lab.a - 0.0638541728f * lab.b);
    const float s = cube(lab.l - 0.0894841775f * lab.a - 1.2914855480f * lab.b);
    return {4.0767416621f * l - 3.3077115913f * m + 0.2309699292f * s,
            -1.2684380046f * l + 2.6097574011f * m - 0.3413193965f * s,
            -0.0041960863f * l - 0.7034186147f * m + 1.7076147010f * s, 1};
}

bool displayable(const ImVec4 &rgb) {
    const auto fits = [](float value) { return value >= -0.0005f && value <= 1.0005f; };
    return fits(rgb.x) && fits(rgb.y) && fits(rgb.z);
}

// The ramp at t, with its chroma lowered until a screen can show it.
ImVec4 ramp(float t) {
    const float l = 0.34f + 0.56f * t;
    const float hue = (295.0f - 190.0f * t) * std::numbers::pi_v<float> / 180.0f;
    float chroma = 0.125f;
    ImVec4 rgb;
    do {
        rgb = to_linear_rgb({l, chroma * std::cos(hue), chroma * std::sin(hue)});
        chroma -= 0.0025f;
    } while (!displayable(rgb) && chroma > 0);
    const auto channel = [](float value) { return encoded(std::clamp(value, 0.0f, 1.0f)); };
    return {channel(rgb.x), channel(rgb.y), channel(rgb.z), 1};
}

constexpr int kSteps = 128;

} // namespace

ImVec4 sequential(bool dark, float t) {
    static const auto table = [] {
        std::array<ImVec4, kSteps + 1> colours;
        for (int i = 0; i <= kSteps; ++i)
            colours[std::size_t(i)] = ramp(float(i) / kSteps);
        return colours;
    }();
    t = std::isfinite(t) ? std::clamp(t, 0.0f, 1.0f) : 0.0f;
    return table[std::size_t(std::lround((dark ? t : 1 - t) * kSteps))];
}

float lightness(const ImVec4 &colour) { return to_lab(colour).l; }

float distance(const ImVec4 &a, const ImVec4 &b) {
    const Lab x = to_lab(a), y = to_lab(b);
    return std::sqrt((x.l - y.l) * (x.l - y.l) + (x.a - y.a) * (x.a - y.a) +
                     (x.b - y.b) * (x.b - y.b));
}

ImVec4 text_on(const ImVec4 &colour) {
    return lightness(colour) > 0.62f ? ImVec4(0.07f, 0.08f, 0.1f, 1) : ImVec4(1, 1, 1, 1);
}

void colour_strip(const Theme &theme, float width, const char *low, const char *high,
                  const char *explain) {
    const ui::FontScope font(ui::small_font());
    const float height = ImGui::GetTextLineHeight(), gap = height * 0.4f;
    const float low_width = ImGui::CalcTextSize(low).x, high_width = ImGui::CalcTextSize(high).x;
    const ImVec2 at = ImGui::GetCursorScreenPos();
    auto *draw = ImGui::GetWindowDrawList();
    draw->AddText(at, packed(theme.muted), low);
    const float left = at.x + low_width + gap;
    const float top = at.y + height * 0.2f, bottom = at.y + height * 0.85f;
    constexpr int kPieces = 32;
    for (int i = 0; i < kPieces; ++i)
        draw->AddRectFilledMultiColor({left + width * float(i) / kPieces, top},
                                      {left + width * float(i + 1) / kPieces, bottom},
                                      packed(sequential(theme.dark, float(i) / kPieces)),
                                      packed(sequential(theme.dark, float(i + 1) / kPieces)),
                                      packed(sequential(theme.dark, float(i + 1) / kPieces)),
                                      packed(sequential(theme.dark, float(i) / kPieces)));
    draw->AddText({left + width + gap, at.y}, packed(theme.muted), high);
    ImGui::Dummy({low_width + width + high_width + 2 * gap, height});
    ui::explain(explain);
}

} // namespace moescope::charts
