#include "app/charts/colour_scale.h"

#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"

#include <algorithm>
#include <cmath>

namespace moescope::charts {

ImVec4 sequential(const Theme &theme, float t) {
    const auto &stops = theme.scale;
    t = std::isfinite(t) ? std::clamp(t, 0.0f, 1.0f) : 0.0f;
    const float at = t * float(stops.size() - 1);
    const auto below = std::min(std::size_t(at), stops.size() - 2);
    return mix(stops[below], stops[below + 1], at - float(below));
}

void colour_strip(const Theme &theme, float width, const char *low, const char *high,
                  Evidence evidence, const char *explain) {
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
                                      packed(sequential(theme, float(i) / kPieces)),
                                      packed(sequential(theme, float(i + 1) / kPieces)),
                                      packed(sequential(theme, float(i + 1) / kPieces)),
                                      packed(sequential(theme, float(i) / kPieces)));
    draw->AddText({left + width + gap, at.y}, packed(theme.muted), high);
    ImGui::Dummy({low_width + width + high_width + 2 * gap, height});
    ui::explain(theme, evidence, explain);
    ui::note_chart("scale", ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
}

} // namespace moescope::charts
