#include "app/charts/roofline.h"

#include "app/charts/distance.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moescope::charts {

namespace {

constexpr float kReach = 5; // pixels from a line that the pointer may be, at 1x

const Roof *least(std::span<const Roof> roofs, double x) {
    const Roof *found = nullptr;
    for (const Roof &roof : roofs)
        if (roof.limits && (!found || roof.at(x) < found->at(x)))
            found = &roof;
    return found;
}

// Points of a line, `step` pixels apart or less.
void add_points(ImVec2 from, ImVec2 to, float step, std::vector<ImVec2> &points) {
    const float length = distance(from, to);
    const int pieces = std::max(1, int(std::ceil(length / std::max(1.0f, step))));
    for (int i = 0; i <= pieces; ++i) {
        const float t = float(i) / float(pieces);
        points.push_back({from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t});
    }
}

bool covers_a_label(const DrawnRoofs &drawn, ImVec2 at, ImVec2 size) {
    return std::ranges::any_of(drawn.labels, [&](const auto &label) {
        return at.x < label.second.x && label.first.x < at.x + size.x && at.y < label.second.y &&
               label.first.y < at.y + size.y;
    });
}

constexpr float kAbove = 0.55f; // of the raised ground over the plain one, where nothing can be

// A label stands on the far side of its roof: over a flat one at its right end, left of a rising
// one, as far down as no other label is in its place.
void draw_label(const Plot &plot, const Roof &roof, ImVec2 from, ImVec2 to, const Theme &theme,
                float scale, float step, DrawnRoofs &drawn) {
    const ImVec2 size = ImGui::CalcTextSize(roof.label.c_str());
    const float pad = std::round(6 * scale);
    ImVec2 at{to.x - size.x - pad, to.y - size.y - pad / 2};
    if (roof.slope > 0) {
        // Below the upper end, where the line is furthest to the right.
        float drop = std::max(size.y * 1.6f, (from.y - to.y) * 0.12f);
        const auto place = [&] {
            const float share = from.y > to.y ? std::min(1.0f, drop / (from.y - to.y)) : 1;
            return ImVec2{to.x - (to.x - from.x) * share - size.x - pad, to.y + drop - size.y};
        };
        for (at = place(); covers_a_label(drawn, at, size) && to.y + drop < from.y; at = place())
            drop += size.y * 0.5f;
    }
    if (at.x < plot.low.x + pad || at.y < plot.low.y || covers_a_label(drawn, at, size))
        return;
    for (const ImU32 ground : {packed(theme.background), packed(theme.raised, kAbove)}) // over another roof's line
        plot.draw->AddRectFilled({at.x - pad / 2, at.y}, {at.x + size.x + pad / 2, at.y + size.y}, ground);
    plot.draw->AddText({std::floor(at.x), std::floor(at.y)}, packed(theme.muted),
                       roof.label.c_str());
    drawn.labels.push_back({at, {at.x + size.x, at.y + size.y}});
    add_points({at.x, at.y + size.y / 2}, {at.x + size.x, at.y + size.y / 2}, step, drawn.points);
    if (plot.hovered && ImGui::IsMouseHoveringRect(at, {at.x + size.x, at.y + size.y}))
        drawn.hovered = &roof;
}

void find_hovered(const Plot &plot, const Roof &roof, ImVec2 from, ImVec2 to, float scale, DrawnRoofs &drawn) {
    if (!drawn.hovered && plot.hovered && distance_to(plot.mouse, from, to) < kReach * scale)
        drawn.hovered = &roof;
}

} // namespace

double allowed(std::span<const Roof> roofs, double x) {
    const Roof *roof = least(roofs, x);
    return roof ? roof->at(x) : 0;
}

std::optional<std::pair<Point, Point>> beside(std::span<const Roof> roofs, const Roof &roof, Range x, Range y) {
    if (roof.rate <= 0)
        return std::nullopt;
    if (roof.slope == 0)
        return y.contains(roof.rate) ? std::optional(std::pair{Point{x.low, roof.rate}, Point{x.high, roof.rate}})
                                     : std::nullopt;
    double top = y.high;
    for (const Roof &other : roofs)
        if (other.limits && other.slope == 0)
            top = std::min(top, other.rate);
    const double from = std::max(x.low, y.low / roof.rate), to = std::min(x.high, top / roof.rate);
    if (from >= to)
        return std::nullopt;
    return std::pair{Point{from, roof.at(from)}, Point{to, roof.at(to)}};
}

std::vector<double> corners(std::span<const Roof> roofs, Range x) {
    std::vector<double> result{x.low, x.high};
    for (const Roof &rising : roofs)
        for (const Roof &flat : roofs) {
            if (rising.slope != 1 || flat.slope != 0 || rising.rate <= 0 || !rising.limits || !flat.limits)
                continue;
            const double meet = flat.rate / rising.rate;
            if (meet > x.low && meet < x.high &&
                std::abs(allowed(roofs, meet) - flat.rate) <= 1e-9 * flat.rate)
                result.push_back(meet);
        }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

DrawnRoofs draw_roofs(const Plot &plot, std::span<const Roof> roofs, const Theme &theme,
                               float scale, float step) {
    DrawnRoofs drawn;
    if (roofs.empty())
        return drawn;
    const auto xs = corners(roofs, plot.x.range);
    std::vector<ImVec2> edge;
    for (const double x : xs)
        edge.push_back(plot.at(x, allowed(roofs, x)));
    for (std::size_t i = 0; i + 1 < edge.size(); ++i)
        plot.draw->AddQuadFilled({edge[i].x, plot.low.y}, {edge[i + 1].x, plot.low.y}, edge[i + 1],
                                 edge[i], packed(theme.raised, kAbove));
    std::vector<std::pair<const Roof *, std::pair<ImVec2, ImVec2>>> others; // that set no limit
    for (const Roof &roof : roofs)
        if (const auto line = roof.limits ? std::nullopt : beside(roofs, roof, plot.x.range, plot.y.range)) {
            const ImVec2 from = plot.at(line->first.x, line->first.y), to = plot.at(line->second.x, line->second.y);
            plot.draw->AddLine(from, to, packed(theme.muted, 0.7f), std::max(1.0f, scale));
            add_points(from, to, step, drawn.points);
            others.push_back({&roof, {from, to}});
        }
    plot.draw->AddPolyline(edge.data(), int(edge.size()), packed(theme.text, 0.75f), 0,
                           std::max(1.0f, 1.5f * scale));
    for (std::size_t i = 0; i + 1 < edge.size(); ++i) {
        add_points(edge[i], edge[i + 1], step, drawn.points);
        if (const Roof *roof = least(roofs, std::sqrt(xs[i] * xs[i + 1]))) {
            draw_label(plot, *roof, edge[i], edge[i + 1], theme, scale, step, drawn);
            find_hovered(plot, *roof, edge[i], edge[i + 1], scale, drawn);
        }
    }
    for (const auto &[roof, line] : others) {
        draw_label(plot, *roof, line.first, line.second, theme, scale, step, drawn);
        find_hovered(plot, *roof, line.first, line.second, scale, drawn);
    }
    return drawn;
}

} // namespace moescope::charts
