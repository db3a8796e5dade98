#include "app/report/window_plots.h"

#include "app/render/picture.h"
#include "app/report/report_style.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>

namespace moescope::report {

namespace {

constexpr std::array kRunViews = {"timeline", "memory", "routing"};
constexpr float kRoom = 12; // pixels round a plot
constexpr std::size_t kColour = 7; // characters of #rrggbb

// The first map of each operator is its largest.
std::vector<CrossoverMap> maps_of(const Session &session) {
    std::vector<CrossoverMap> maps;
    for (CrossoverMap &map : find_crossovers(session))
        if (std::ranges::none_of(maps, [&](const CrossoverMap &other) { return other.op == map.op; }))
            maps.push_back(std::move(map));
    return maps;
}

std::vector<PlotWish> wishes_of(const Session &session, const std::vector<CrossoverMap> &maps) {
    std::vector<PlotWish> wishes;
    for (const char *view : kRunViews)
        for (std::uint32_t run = 0; run < session.runs.size(); ++run)
            wishes.push_back({view, RunId{run}, {}});
    for (const CrossoverMap &map : maps)
        wishes.push_back({"crossover", map.first, {map.op, {map.a, map.b}}});
    return wishes;
}

// A timeline is as high as its pane; its tracks, each with a name, often are not.
void cut_below_words(Drawing &drawing) {
    float lowest = drawing.area.low.y;
    for (const DrawnShape &shape : drawing.shapes)
        if (shape.kind == DrawnShape::Kind::Text)
            lowest = std::max(lowest, shape.points[0].y + shape.ascent);
    drawing.area.high.y = std::min(drawing.area.high.y, std::ceil(lowest) + kRoom);
}

// One for each wish, "" where the view showed no plot.
std::vector<std::string> drawn(const SessionPtr &session, const std::vector<PlotWish> &wishes, bool dark) {
    PictureOptions options;
    options.theme = dark ? "dark" : "light";
    options.width = options.height = 1200;
    const auto plots = draw_plots(session, options, wishes);
    std::vector<std::string> all(wishes.size());
    for (std::size_t at = 0; plots.ok() && at < wishes.size(); ++at) {
        if ((*plots)[at].empty())
            continue;
        DrawnPlot plot = (*plots)[at].front();
        plot.drawing.background = theme_of(dark).surface; // a section's
        if (wishes[at].view == "timeline")
            cut_below_words(plot.drawing);
        all[at] = to_svg(plot.drawing, plot.title, "");
    }
    return all;
}

// Rules inside of an SVG would be the page's.
std::string without_style(std::string svg) {
    const std::string end = "</style>\n";
    const std::size_t from = svg.find("<style>"), to = svg.find(end);
    if (from != std::string::npos && to != std::string::npos)
        svg.erase(from, to + end.size() - from);
    return svg;
}

bool colour_at(const std::string &svg, std::size_t at) {
    return at >= 2 && at + kColour < svg.size() && svg.compare(at - 2, 3, "=\"#") == 0 && svg[at + kColour] == '"';
}

// Names are the page's: each drawing gets its own.
std::string with_clips_of(std::string svg, std::size_t drawing) {
    for (const char *const before : {"id=\"", "url(#"}) {
        const std::string name = std::string(before) + "clip", own = fmt::format("{}w{}-clip", before, drawing);
        for (std::size_t at = svg.find(name); at != std::string::npos; at = svg.find(name, at + own.size()))
            svg.replace(at, name.size(), own);
    }
    return svg;
}

} // namespace

WindowPlots::WindowPlots(const Session &session) {
    const auto shared = std::make_shared<const Session>(session);
    const std::vector<CrossoverMap> maps = maps_of(session);
    const std::vector<PlotWish> wishes = wishes_of(session, maps);
    const std::vector<std::string> light = drawn(shared, wishes, false), dark = drawn(shared, wishes, true);
    const std::size_t of_runs = wishes.size() - maps.size();
    std::map<std::string, RunId> first; // runs of a grid often have one routing
    for (std::size_t at = 0; at < wishes.size(); ++at) {
        if (light[at].empty() || dark[at].empty())
            continue;
        const auto [same, is_new] = first.try_emplace(light[at], wishes[at].run);
        if (!is_new && at < of_runs) {
            of_runs_[{wishes[at].view, wishes[at].run}] = fmt::format("<p>As in run {}.</p>\n", same->second.value + 1);
            continue;
        }
        std::string svg = merged(without_style(light[at]), without_style(dark[at]));
        if (at < of_runs)
            of_runs_[{wishes[at].view, wishes[at].run}] = std::move(svg);
        else
            crossovers_.push_back({maps[at - of_runs], std::move(svg)});
    }
}

std::string WindowPlots::of_run(const char *view, RunId run) const {
    const auto found = of_runs_.find({view, run});
    return found == of_runs_.end() ? "" : found->second;
}

std::string WindowPlots::variable(const std::string &light, const std::string &dark) {
    const std::size_t number = colours_.try_emplace({light, dark}, colours_.size()).first->second;
    return fmt::format("var(--w{})", number);
}

// Both themes draw the same shapes: one drawing whose colours are variables. Where they do not, both, of
// which the page shows one.
std::string WindowPlots::merged(const std::string &light, const std::string &dark) {
    std::string one;
    std::size_t at = 0;
    while (at < light.size() && light.size() == dark.size()) {
        if (colour_at(light, at) && colour_at(dark, at)) {
            one += variable(light.substr(at, kColour), dark.substr(at, kColour));
            at += kColour;
        } else if (light[at] == dark[at]) {
            one += light[at++];
        } else {
            break;
        }
    }
    if (at == light.size() && light.size() == dark.size())
        return "<div class=\"drawn\">\n" + with_clips_of(std::move(one), drawings_++) + "</div>\n";
    const std::size_t first = drawings_;
    drawings_ += 2;
    return "<div class=\"drawn in-light\">\n" + with_clips_of(light, first) + "</div>\n<div class=\"drawn in-dark\">\n" +
           with_clips_of(dark, first + 1) + "</div>\n";
}

std::string WindowPlots::style() const {
    std::string light, dark;
    for (const auto &[both, number] : colours_) {
        light += fmt::format("--w{}:{};", number, both.first);
        dark += fmt::format("--w{}:{};", number, both.second);
    }
    return fmt::format(":root{{{}}}\n@media(prefers-color-scheme:dark){{:root{{{}}}}}\n", light, dark);
}

} // namespace moescope::report
