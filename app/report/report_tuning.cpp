// The tuning landscape of a report.
#include "app/charts/colour_scale.h"
#include "app/report/report_plots.h"
#include "app/views/autotune_landscape.h"
#include "profiler/base/units.h"
#include "profiler/export/svg.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

namespace moescope::report {

namespace {

constexpr double kCellWidth = 92, kCellHeight = 34, kLeft = 70, kTop = 24;

// Of the candidates with one block_m x block_n, the fastest, and how many there were.
struct Cell {
    int considered = 0;
    CandidateId best;
    double best_ns = 0;
};
using Cells = std::map<std::pair<int, int>, Cell>;

Cells cells_of(const Session &session, const std::vector<CandidateId> &candidates) {
    Cells cells;
    for (const CandidateId id : candidates) {
        const Candidate &c = session.candidates[id.value];
        Cell &cell = cells[{c.config.block_m, c.config.block_n}];
        ++cell.considered;
        if (c.time.median > 0 && (cell.best_ns <= 0 || c.time.median < cell.best_ns)) {
            cell.best = id;
            cell.best_ns = c.time.median;
        }
    }
    return cells;
}

std::string hex(const ImVec4 &colour) {
    const auto byte = [](float value) { return int(value * 255 + 0.5f); };
    return fmt::format("#{:02x}{:02x}{:02x}", byte(colour.x), byte(colour.y), byte(colour.z));
}

void draw_cell(Svg &svg, const Session &session, const Cell &cell, Svg::Point low,
               const Tally &all, const Theme &theme) {
    const Svg::Point high{low.x + kCellWidth - 3, low.y + kCellHeight - 3};
    const Svg::Point middle{(low.x + high.x) / 2, (low.y + high.y) / 2 + 4};
    if (cell.best_ns <= 0) {
        svg.begin_group(fmt::format("{} considered, none timed", cell.considered));
        svg.rect(low, high, "class=\"gap\"", 3);
        svg.text(middle, "none", Svg::Anchor::Middle, "class=\"m\"");
        return svg.end_group();
    }
    const Candidate &best = session.candidates[cell.best.value];
    const ImVec4 colour = charts::sequential(theme, heat_of(cell.best_ns, all));
    svg.begin_group(fmt::format("{}: {}; {} considered", best.config.text(),
                                format_duration_ns(cell.best_ns), cell.considered));
    const bool winner = cell.best_ns == all.best_ns;
    svg.rect(low, high,
             fmt::format("fill=\"{}\"{}", hex(colour), winner ? " class=\"winner\"" : ""), 3);
    svg.text(middle, format_duration_ns(cell.best_ns), Svg::Anchor::Middle,
             fmt::format("fill=\"{}\"{}", hex(charts::text_on(colour)),
                         winner ? " font-weight=\"bold\"" : ""));
    svg.end_group();
}

std::string tuning_map(const Session &session, const std::vector<CandidateId> &candidates,
                       const std::string &title) {
    const Tally all = tally(session, candidates);
    const Cells cells = cells_of(session, candidates);
    const Theme theme = built_in_theme(/*dark=*/true); // the same cells in both of the page's themes
    if (all.timed == 0)
        return "";
    std::set<int> rows, columns;
    for (const auto &[key, cell] : cells) {
        rows.insert(key.first);
        columns.insert(key.second);
    }
    Svg svg(kLeft + kCellWidth * double(columns.size()), kTop + kCellHeight * double(rows.size()),
            title);
    double y = kTop;
    for (const int row : rows) {
        svg.text({kLeft - 10, y + kCellHeight / 2 + 3}, fmt::format("m {}", row), Svg::Anchor::End,
                 "class=\"m\"");
        double x = kLeft;
        for (const int column : columns) {
            if (row == *rows.begin())
                svg.text({x + kCellWidth / 2, kTop - 8}, fmt::format("n {}", column),
                         Svg::Anchor::Middle, "class=\"m\"");
            if (const auto found = cells.find({row, column}); found != cells.end())
                draw_cell(svg, session, found->second, {x, y}, all, theme);
            x += kCellWidth;
        }
        y += kCellHeight;
    }
    return svg.finish();
}

} // namespace

std::vector<TuningPlot> tuning_maps(const Session &session, RunId run) {
    std::set<std::pair<OperatorId, std::string>> tuned;
    for (const Candidate &c : session.candidates)
        if (c.run == run)
            tuned.insert({c.op, c.variant});
    std::vector<TuningPlot> plots;
    for (const auto &[op, variant] : tuned) {
        const auto candidates = candidates_of(session, run, op, variant);
        const Tally all = tally(session, candidates);
        const std::string title =
            fmt::format("{} / {}: {} timed, {} pruned, {} failed", info(op).name, variant,
                        all.timed, all.pruned, all.failed);
        if (std::string svg = tuning_map(session, candidates, title); !svg.empty())
            plots.push_back({title, std::move(svg)});
    }
    return plots;
}

} // namespace moescope::report
