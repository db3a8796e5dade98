// The ledger as stacked areas: a column of the picture shows the moment in it that holds most.
#include "app/views/memory_parts.h"

#include "app/charts/series.h"
#include "app/views/measurement_text.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

class Chart {
  public:
    Chart(const ViewContext &context, MemoryState &state, std::size_t step)
        : context_(context), theme_(context.theme), state_(state), history_(state.history),
          step_(step) {}

    void draw(ImVec2 size);

  private:
    double since_start(std::int64_t time_ns) const { return double(time_ns - history_.start_ns); }
    std::int64_t time_at(double x) const { return history_.start_ns + std::int64_t(x); }
    bool shown(std::size_t group) const { return state_.plot.shows(history_.groups[group]); }

    charts::PlotSpec spec() const;
    bool draw_selected(const charts::Plot &plot) const;
    void find_selected(MeasurementId id) const;
    void draw_areas(const charts::Plot &plot) const;
    void draw_column(const charts::Plot &plot, std::size_t step, float left, float right) const;
    void draw_events(const charts::Plot &plot) const;
    void draw_moment(const charts::Plot &plot, std::size_t step, const ImVec4 &colour,
                     const std::string &words) const;
    std::string explain(std::size_t step) const;

    const ViewContext &context_;
    const Theme &theme_;
    MemoryState &state_;
    const MemoryHistory &history_;
    std::size_t step_;
};

charts::PlotSpec Chart::spec() const {
    charts::PlotSpec spec;
    spec.x = {.explain = "Time since the run began, on the worker's clock.",
              .evidence = Evidence::Measured,
              .unit = charts::Unit::DurationNs,
              .fit = {0, std::max(1.0, since_start(history_.end_ns))}};
    spec.y = {.title = "Held by the run",
              .explain = "Device memory that the run had allocated and not freed, by the ledger of every allocation and free.",
              .evidence = Evidence::Measured,
              .unit = charts::Unit::Bytes,
              .movable = false,
              .fit = {0, std::max(1.0, double(history_.steps[history_.peak].total) * 1.12)}};
    return spec;
}

void Chart::find_selected(MeasurementId id) const {
    state_.selected = id;
    state_.selected_from_ns = INT64_MAX;
    state_.selected_to_ns = INT64_MIN;
    for (const std::uint32_t kernel : state_.kernels.of(id)) {
        const KernelRecord &record = context_.session->kernels[kernel];
        state_.selected_from_ns = std::min(state_.selected_from_ns, record.start_ns);
        state_.selected_to_ns = std::max({state_.selected_to_ns, record.start_ns, record.end_ns});
    }
}

// Where the selected measurement's launches were. True where the pointer is on that.
bool Chart::draw_selected(const charts::Plot &plot) const {
    const MeasurementId id = context_.selection.measurement;
    if (!id.valid() || id.value >= context_.session->measurements.size() ||
        context_.session->measurements[id.value].run != context_.run)
        return false;
    if (state_.selected != id)
        find_selected(id);
    const std::int64_t from = state_.selected_from_ns, to = state_.selected_to_ns;
    if (from > to)
        return false;
    const float left = float(plot.x.to_pixel(since_start(from)));
    const float right = std::max(float(plot.x.to_pixel(since_start(to))), left + 1);
    plot.draw->AddRectFilled({left, plot.low.y}, {right, plot.high.y},
                             packed(theme_.accent, 0.18f));
    return plot.hovered && plot.mouse.x >= left && plot.mouse.x < right;
}

void Chart::draw_column(const charts::Plot &plot, std::size_t step, float left, float right) const {
    double below = 0;
    for (std::size_t group = 0; group < history_.groups.size(); ++group) {
        const double bytes = double(history_.of(step, group));
        if (bytes <= 0 || !shown(group))
            continue;
        const float bottom = float(plot.y.to_pixel(below));
        below += bytes;
        plot.draw->AddRectFilled({left, float(plot.y.to_pixel(below))}, {right, bottom},
                                 packed(group_colour(theme_, history_, group), 0.9f));
    }
}

void Chart::draw_areas(const charts::Plot &plot) const {
    const std::size_t columns = std::size_t(std::max(1.0f, plot.high.x - plot.low.x));
    const auto steps =
        highest_steps(history_, time_at(plot.x.range.low), time_at(plot.x.range.high), columns);
    for (std::size_t first = 0; first < columns;) {
        std::size_t next = first + 1;
        while (next < columns && steps[next] == steps[first])
            ++next;
        if (steps[first] != kNoStep)
            draw_column(plot, steps[first], plot.low.x + float(first), plot.low.x + float(next));
        first = next;
    }
}

// A tick for every allocation above the chart's floor line, and for every free below the top.
void Chart::draw_events(const charts::Plot &plot) const {
    const float tall = std::round(4 * context_.scale);
    float last_up = -1, last_down = -1;
    for (const MemoryHistory::Step &step : history_.steps) {
        const float x = std::floor(float(plot.x.to_pixel(since_start(step.time_ns)))) + 0.5f;
        float &last = step.change > 0 ? last_up : last_down;
        if (x < plot.low.x || x > plot.high.x || x == last)
            continue;
        last = x;
        const float top = step.change > 0 ? plot.low.y : plot.low.y + tall + 1;
        plot.draw->AddLine({x, top}, {x, top + tall},
                           packed(step.change > 0 ? theme_.accent : theme_.muted, 0.8f));
    }
}

void Chart::draw_moment(const charts::Plot &plot, std::size_t step, const ImVec4 &colour,
                        const std::string &words) const {
    const float x =
        std::floor(float(plot.x.to_pixel(since_start(history_.steps[step].time_ns)))) + 0.5f;
    if (x < plot.low.x || x > plot.high.x)
        return;
    plot.draw->AddLine({x, plot.low.y}, {x, plot.high.y}, packed(colour, 0.9f),
                       std::max(1.0f, context_.scale));
    const ImVec2 size = ImGui::CalcTextSize(words.c_str());
    const float pad = std::round(4 * context_.scale);
    const float left = x + pad + size.x < plot.high.x ? x + pad : x - pad - size.x;
    const float top = plot.low.y + std::round(10 * context_.scale);
    plot.draw->AddRectFilled({left - pad / 2, top}, {left + size.x + pad / 2, top + size.y},
                             packed(theme_.background, 0.8f), pad / 2);
    plot.draw->AddText({std::floor(left), top}, packed(colour), words.c_str());
}

std::string Chart::explain(std::size_t step) const {
    const MemoryHistory::Step &at = history_.steps[step];
    std::string words = fmt::format(
        "{} after the start: {} held\n{} {} {}", format_duration_ns(since_start(at.time_ns)),
        format_bytes(double(at.total)), at.change > 0 ? "Allocated" : "Freed",
        format_bytes(std::abs(double(at.change))),
        at.label.valid() ? context_.session->name(at.label) : "without a label");
    for (std::size_t group = 0; group < history_.groups.size(); ++group)
        if (history_.of(step, group) > 0)
            words += fmt::format("\n{}  {}", format_bytes(double(history_.of(step, group))),
                                 history_.groups[group]);
    return words + "\nBy the ledger of every allocation and free, one run. Click to see what is held at this moment.";
}

void Chart::draw(ImVec2 size) {
    auto plot = charts::begin_plot("ledger", size, spec(), state_.plot, theme_, context_.scale);
    const ui::FontScope font(ui::small_font());
    const bool in_selected = draw_selected(plot);
    draw_areas(plot);
    draw_events(plot);
    draw_moment(plot, history_.peak, theme_.text,
                "peak " + format_bytes(double(history_.steps[history_.peak].total)));
    if (step_ != history_.peak)
        draw_moment(plot, step_, theme_.accent, format_bytes(double(history_.steps[step_].total)));
    charts::end_plot(plot, state_.plot, theme_);
    if (!plot.hovered || state_.plot.box_start)
        return;
    const std::size_t column = std::size_t(std::max(0.0f, plot.mouse.x - plot.low.x));
    const auto steps =
        highest_steps(history_, time_at(plot.x.range.low), time_at(plot.x.range.high),
                      std::size_t(std::max(1.0f, plot.high.x - plot.low.x)));
    if (column >= steps.size() || steps[column] == kNoStep)
        return ui::tooltip(theme_, Evidence::Measured, "Nothing was held yet, by the ledger of every allocation and free.");
    std::string words = explain(steps[column]);
    if (in_selected)
        words += fmt::format("\nThe band: from the first to the last launch of {}, which is selected.",
                             title_of(context_.session->measurements[state_.selected.value]));
    ui::tooltip(theme_, Evidence::Measured, words);
    if (plot.clicked)
        state_.chosen_ns = history_.steps[steps[column]].time_ns;
}

} // namespace

ImVec4 group_colour(const Theme &theme, const MemoryHistory &history, std::size_t group) {
    return history.groups[group] == kOtherGroup ? theme.muted : theme.series[group % theme.series.size()];
}

void draw_memory_chart(const ViewContext &context, MemoryState &state, std::size_t step,
                       ImVec2 size) {
    Chart(context, state, step).draw(size);
}

} // namespace moescope
