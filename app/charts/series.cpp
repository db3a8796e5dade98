#include "app/charts/series.h"

#include "app/charts/colour_scale.h"
#include "app/charts/distance.h"
#include "app/charts/heat_map.h"
#include "app/views/ui.h"

#include <algorithm>
#include <cmath>

namespace moescope::charts {

namespace {

// The first, lowest, highest and last of a run of points, in order and without repeats.
void keep_outline(std::span<const Point> run, std::vector<Point> &out) {
    const auto [low, high] = std::minmax_element(
        run.begin(), run.end(), [](const Point &a, const Point &b) { return a.y < b.y; });
    std::size_t kept[] = {0, std::size_t(low - run.begin()), std::size_t(high - run.begin()),
                          run.size() - 1};
    std::sort(std::begin(kept), std::end(kept));
    const auto last = std::unique(std::begin(kept), std::end(kept));
    for (auto at = std::begin(kept); at != last; ++at)
        out.push_back(run[*at]);
}

} // namespace

std::vector<Point> downsampled(std::span<const Point> points, Range x, int columns) {
    const auto before = [](const Point &point, double value) { return point.x < value; };
    auto first = std::lower_bound(points.begin(), points.end(), x.low, before);
    auto last = std::lower_bound(first, points.end(), std::nextafter(x.high, INFINITY), before);
    if (first != points.begin())
        --first;
    if (last != points.end())
        ++last;
    std::vector<Point> result;
    if (std::size_t(last - first) <= std::size_t(std::max(columns, 1)) * 4)
        return {first, last};
    while (first != last) {
        const double column = std::floor((first->x - x.low) / x.span() * columns);
        const double end_x = x.low + (column + 1) * x.span() / columns;
        auto end = std::lower_bound(first, last, end_x, before);
        if (end == first) // rounding put the point on the next column's edge
            ++end;
        keep_outline({first, end}, result);
        first = end;
    }
    return result;
}

void draw_dashes(ImDrawList &draw, ImVec2 from, ImVec2 to, float dash, float gap, ImU32 colour, float thickness) {
    const float length = distance(from, to);
    if (!(length > 0) || length > 100'000)
        return;
    const ImVec2 along{(to.x - from.x) / length, (to.y - from.y) / length};
    for (float at = 0; at < length; at += dash + gap) {
        const float end = std::min(at + dash, length);
        draw.AddLine({from.x + along.x * at, from.y + along.y * at}, {from.x + along.x * end, from.y + along.y * end}, colour,
                     thickness);
    }
}

float distance_to(ImVec2 point, ImVec2 from, ImVec2 to) {
    const float dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
    const float along = length > 0 ? ((point.x - from.x) * dx + (point.y - from.y) * dy) / length : 0;
    const float t = std::clamp(along, 0.0f, 1.0f);
    return distance(point, {from.x + t * dx, from.y + t * dy});
}

void draw_line(const Plot &plot, std::span<const Point> points, const ImVec4 &colour, float width) {
    const auto kept = downsampled(points, plot.x.range, std::max(1, int(plot.high.x - plot.low.x)));
    std::vector<ImVec2> path;
    path.reserve(kept.size());
    for (const Point &point : kept)
        path.push_back(plot.at(point.x, point.y));
    plot.draw->AddPolyline(path.data(), int(path.size()), packed(colour), 0, width);
}

std::optional<std::size_t> draw_points(const Plot &plot, std::span<const Point> points,
                                       const std::function<ImU32(std::size_t)> &colour,
                                       float radius, float reach) {
    std::optional<std::size_t> nearest;
    float best = reach * reach;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const ImVec2 at = plot.at(points[i].x, points[i].y);
        if (at.x < plot.low.x - radius || at.x > plot.high.x + radius)
            continue;
        plot.draw->AddCircleFilled(at, radius, colour(i));
        const float dx = at.x - plot.mouse.x, dy = at.y - plot.mouse.y;
        if (plot.hovered && dx * dx + dy * dy <= best) {
            best = dx * dx + dy * dy;
            nearest = i;
        }
    }
    return nearest;
}

std::optional<std::size_t> draw_bars(const Plot &plot, std::span<const double> values,
                                     const std::function<ImU32(std::size_t)> &colour) {
    if (values.empty())
        return std::nullopt;
    const auto clamp_index = [&](double x) {
        return std::size_t(std::clamp(std::floor(x + 0.5), 0.0, double(values.size() - 1)));
    };
    const float base = float(plot.y.to_pixel(std::max(0.0, plot.y.range.low)));
    const double per_pixel = plot.x.range.span() / std::max(1.0f, plot.high.x - plot.low.x);
    std::size_t i = clamp_index(plot.x.range.low);
    const std::size_t last = clamp_index(plot.x.range.high);
    while (i <= last) {
        std::size_t next = i + 1, highest = i;
        if (per_pixel > 1) {
            next = std::max(next, std::size_t(double(i) + per_pixel));
            for (std::size_t j = i; j < std::min(next, values.size()); ++j)
                highest = values[j] > values[highest] ? j : highest;
        }
        const float left = float(plot.x.to_pixel(double(i) - 0.5));
        const float right = float(plot.x.to_pixel(double(next) - 0.5));
        const float gap = std::min(2.0f, (right - left) * 0.2f);
        const float top = float(plot.y.to_pixel(values[highest]));
        if (values[highest] > 0)
            plot.draw->AddRectFilled({left + gap / 2, std::min(top, base - 1)},
                                     {std::max(right - gap / 2, left + gap / 2 + 0.75f), base},
                                     colour(highest));
        i = next;
    }
    const double at = plot.x.to_value(plot.mouse.x) + 0.5;
    if (!plot.hovered || at < 0 || at >= double(values.size()))
        return std::nullopt;
    return std::size_t(at);
}

std::optional<std::size_t> draw_stack(const Plot &plot, float top, float bottom,
                                      std::span<const Segment> segments, const Theme &theme) {
    std::optional<std::size_t> hovered;
    const float line = ImGui::GetTextLineHeight();
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const Segment &segment = segments[i];
        const float left = std::max(float(plot.x.to_pixel(segment.from)), plot.low.x);
        const float right =
            std::min(std::max(float(plot.x.to_pixel(segment.to)), left + 1), plot.high.x);
        if (right <= left)
            continue;
        const bool on = plot.hovered && plot.mouse.x >= left && plot.mouse.x < right &&
                        plot.mouse.y >= top && plot.mouse.y < bottom;
        if (on)
            hovered = i;
        plot.draw->AddRectFilled({left, top}, {right, bottom},
                                 packed(segment.colour, segment.hatched ? 0.25f : 1.0f));
        if (segment.hatched)
            draw_hatching(*plot.draw, {left, top}, {right, bottom}, packed(theme.muted, 0.6f),
                          line * 0.4f);
        if (i > 0 && right - left > 3) // a hairline between kernels
            plot.draw->AddLine({left, top}, {left, bottom}, packed(theme.background));
        if (on)
            plot.draw->AddRect({left, top}, {right, bottom}, packed(theme.text, 0.9f));
        if (!segment.text.empty() && right - left > line * 3) {
            const std::string text = ui::fitted(segment.text, right - left - line * 0.6f);
            plot.draw->AddText(
                {std::floor(left + line * 0.3f), std::floor((top + bottom - line) / 2)},
                packed(segment.hatched ? theme.text : text_on(segment.colour)), text.c_str());
        }
    }
    return hovered;
}

} // namespace moescope::charts
