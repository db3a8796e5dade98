#include "app/views/sweep.h"

#include "app/charts/series.h"
#include "app/views/measurement_text.h"
#include "app/views/number.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"

#include <fmt/format.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <iterator>
#include <cmath>

namespace moescope {

namespace {

constexpr const char *kFloors = "Floors";
constexpr const char *kStepWords =
    "From the medians of two runs. A step is an interval that moves at least 1.2 times further than the steeper of its "
    "neighbours and the floor, and further than the samples spread.";
constexpr double kOfferSeconds = 0.3;

class SweepView {
  public:
    SweepView(const ViewContext &context, SweepState &state, const SweepActions &actions)
        : context_(context), theme_(context.theme), session_(*context.session), state_(state), actions_(actions) {}

    void draw();

  private:
    float px(float at_1x) const { return std::round(at_1x * context_.scale); }
    const Measurement &measurement(MeasurementId id) const { return session_.measurements[id.value]; }
    const Measurement &measurement(const SweepLine::Point &point) const { return measurement(point.id); }
    const FoundSweep &sweep() const { return state_.sweeps[state_.at]; }
    double x_of(const SweepLine::Point &point) const { return sweep().points[point.at].x; }
    bool log_x() const { return sweep().numeric && sweep().points.front().x > 0 && state_.log_x.value_or(suits_log(sweep())); }
    std::string series_of(const SweepLine &line) const {
        return state_.all_operators ? fmt::format("{} {}", info(line.op).name, line.variant) : line.variant;
    }
    bool shows(const SweepLine &line) const {
        return (state_.all_operators || line.op == shown_operator()) && state_.plot.shows(series_of(line));
    }
    OperatorId shown_operator() const;

    void update();
    void draw_request();
    void draw_choices();
    void draw_operators();
    void draw_legend();
    charts::PlotSpec spec() const;
    void draw_chart(ImVec2 size);
    void draw_band(const charts::Plot &plot, const SweepLine &line);
    void draw_floor(const charts::Plot &plot, const SweepLine &line);
    void draw_line(const charts::Plot &plot, const SweepLine &line);
    void draw_steps(const charts::Plot &plot, const SweepLine &line);
    void draw_words(const charts::Plot &plot);
    void explain_point(const SweepLine &line, const SweepLine::Point &point) const;
    void explain_floor_of(const SweepLine &line, const SweepLine::Point &point) const;
    const Ceilings &ceilings(const Measurement &m) const { return session_.runs[m.run.value].device.ceilings; }
    std::string place_of(const SweepLine &line, const SweepLine::Point &point) const;
    void find_between(const charts::Plot &plot);
    std::vector<std::pair<const SweepLine *, const Step *>> shown_steps() const;
    void draw_step_list();
    void draw_plot();

    const ViewContext &context_;
    const Theme &theme_;
    const Session &session_;
    SweepState &state_;
    const SweepActions &actions_;
    const SweepLine *hovered_line_ = nullptr;
    const SweepLine::Point *hovered_point_ = nullptr;
    const Step *hovered_step_ = nullptr;
    bool floor_hovered_ = false;
};

void SweepView::update() {
    if (state_.session != context_.session) {
        state_.session = context_.session;
        state_.sweeps = find_sweeps(session_);
    } else if (state_.at < state_.sweeps.size() && (!state_.shown || name_of(sweep()) == *state_.shown))
        return;
    state_.at = 0;
    for (std::size_t i = 0; state_.shown && i < state_.sweeps.size(); ++i)
        if (name_of(state_.sweeps[i]) == *state_.shown)
            state_.at = i;
    if (state_.shown && !state_.sweeps.empty() && name_of(sweep()) != *state_.shown)
        state_.shown.reset();
    state_.lines = state_.sweeps.empty() ? std::vector<SweepLine>{} : sweep_lines(session_, sweep());
}

// The one chosen, else the selected measurement's, else the slowest: as long as it has lines.
OperatorId SweepView::shown_operator() const {
    const auto there = [&](OperatorId op) {
        return std::any_of(state_.lines.begin(), state_.lines.end(),
                           [&](const SweepLine &line) { return line.op == op; });
    };
    if (state_.op && there(*state_.op))
        return *state_.op;
    const MeasurementId selected = context_.selection.measurement;
    if (selected.valid() && selected.value < session_.measurements.size() && there(measurement(selected).op))
        return measurement(selected).op;
    return state_.lines.empty() ? OperatorId::SoftmaxTopk : state_.lines.front().op;
}

// What to sweep next: a parameter, its values, Run.
void SweepView::draw_request() {
    const auto parameters = sweep_parameters();
    if (state_.values.empty())
        for (const SweepParameter &each : parameters)
            state_.values.emplace_back(each.example);
    const float gap = ImGui::GetStyle().ItemInnerSpacing.x;
    ImGui::SetNextItemWidth(px(190));
    if (ImGui::BeginCombo("##parameter", parameters[state_.parameter].title.data(), ImGuiComboFlags_HeightLarge)) {
        for (std::size_t i = 0; i < parameters.size(); ++i)
            if (ImGui::Selectable(parameters[i].title.data(), i == state_.parameter))
                state_.parameter = i;
        ImGui::EndCombo();
    }
    ui::explain("What the sweep varies. All else is as the workload on the left says.");
    std::string &values = state_.values[state_.parameter];
    ImGui::SameLine(0, gap);
    ImGui::SetNextItemWidth(std::clamp(ImGui::GetContentRegionAvail().x - px(88), px(100), px(360)));
    bool wanted = ImGui::InputText("##values", &values, ImGuiInputTextFlags_EnterReturnsTrue);
    ui::explain("Values and ranges: 1,8,64, or 1..4096:x2 to double each time, or 16..256:+16 to add.");
    const auto plan = [&] {
        const auto axis = parse_axis(parameters[state_.parameter], values);
        return axis.ok() ? actions_.plans({axis.value()}) : Result<std::vector<SweepPlan>>(axis.error());
    };
    const std::string asked = fmt::format("{} {}", state_.parameter, values);
    if (asked != state_.offered_for || ImGui::GetTime() - state_.offered_at > kOfferSeconds) {
        state_.offer = offer_of(plan());
        state_.offered_for = asked;
        state_.offered_at = ImGui::GetTime();
    }
    const SweepOffer &offer = state_.offer;
    ImGui::SameLine(0, gap);
    ImGui::BeginDisabled(!offer.good);
    wanted = ui::primary_button(theme_, "Sweep", {px(80), 0}) || wanted;
    ImGui::EndDisabled();
    ui::small(offer.sentence, offer.good ? theme_.muted : theme_.failure);
    ui::explain(theme_, Evidence::Reported, "What pressing Sweep would run, from the workload on the left.");
    if (!wanted || !offer.good)
        return;
    state_.shown.reset();
    state_.plot = {};
    if (const auto plans = plan(); plans.ok())
        actions_.run(plans.value());
}

void SweepView::draw_operators() {
    const OperatorId shown = shown_operator();
    ImGui::SetNextItemWidth(px(190));
    if (!ImGui::BeginCombo("##operator", state_.all_operators ? "All operators" : info(shown).title.data()))
        return;
    if (ImGui::Selectable("All operators", state_.all_operators)) {
        state_.all_operators = true;
        state_.plot = {};
    }
    OperatorId last = OperatorId::Count_;
    for (const SweepLine &line : state_.lines) {
        if (line.op == last)
            continue;
        last = line.op;
        if (ImGui::Selectable(info(line.op).title.data(), !state_.all_operators && line.op == shown)) {
            state_.op = line.op;
            state_.all_operators = false;
            state_.plot = {};
        }
    }
    ImGui::EndCombo();
}

void SweepView::draw_choices() {
    const float gap = ImGui::GetStyle().ItemInnerSpacing.x;
    draw_operators();
    ImGui::SameLine(0, gap);
    ImGui::SetNextItemWidth(std::clamp(ImGui::GetContentRegionAvail().x - px(150), px(120), px(440)));
    if (ImGui::BeginCombo("##sweep", ui::fitted_in_combo(name_of(sweep())).c_str(), ImGuiComboFlags_HeightLarge)) {
        for (const FoundSweep &each : state_.sweeps) {
            const std::string name = fmt::format("{}, {} points", name_of(each), each.points.size());
            if (ImGui::Selectable(name.c_str(), &each == &sweep())) {
                state_.shown = name_of(each);
                state_.log_x.reset();
                state_.plot = {};
            }
        }
        ImGui::EndCombo();
    }
    ui::explain("The sweeps of this session: runs that differ in one parameter, however they were started.");
    ImGui::SameLine(0, px(12));
    bool log = log_x();
    ImGui::BeginDisabled(!sweep().numeric || sweep().points.front().x <= 0);
    if (ImGui::Checkbox("log x", &log)) {
        state_.log_x = log;
        state_.plot = {};
    }
    ImGui::EndDisabled();
    ImGui::SameLine(0, px(12));
    if (ImGui::Checkbox("log y", &state_.log_y))
        state_.plot = {};
}

void SweepView::draw_legend() {
    std::vector<charts::LegendEntry> entries;
    bool floors = false;
    for (const SweepLine &line : state_.lines) {
        if (!state_.all_operators && line.op != shown_operator())
            continue;
        const VariantInfo *variant = find_variant(line.op, line.variant);
        entries.push_back({series_of(line), variant_colour(theme_, line.op, line.variant),
                           variant ? std::string(variant->explain) : ""});
        for (const SweepLine::Point &point : line.points)
            floors |= measurement(point).floor_ns > 0;
    }
    if (floors)
        entries.push_back({kFloors, theme_.muted,
                           "Dashed: the least time that each variant's bytes or FLOPs take at the device's ceilings.",
                           Evidence::Modelled});
    charts::legend(entries, state_.plot, theme_);
}

charts::PlotSpec SweepView::spec() const {
    charts::Extent x, y;
    std::vector<double> values;
    for (const FoundSweep::Point &point : sweep().points) {
        x.add(point.x);
        values.push_back(point.x);
    }
    for (const SweepLine &line : state_.lines)
        for (const SweepLine::Point &point : line.points) {
            if (!shows(line))
                continue;
            const Measurement &m = measurement(point);
            y.add(m.time.p10);
            y.add(m.time.p90);
            if (m.floor_ns > 0 && state_.plot.shows(kFloors) && state_.log_y)
                y.add(m.floor_ns);
        }
    if (!state_.log_y)
        y.add(0);
    charts::PlotSpec spec;
    spec.x = {.title = std::string(sweep().parameter->title),
              .explain = "What the sweep varies: as the plans of its runs say.",
              .evidence = Evidence::Reported,
              .unit = sweep().parameter->whole ? charts::Unit::Count : charts::Unit::Number,
              .log = log_x(),
              .labelled = sweep().numeric,
              .fit = charts::padded(x.range(), 0.04, log_x()),
              .values = log_x() ? std::move(values) : std::vector<double>()};
    if (!sweep().numeric)
        spec.x.title.clear();
    spec.y = {.title = "Time",
              .explain = "Median time of a repetition; the band holds 80 % of the samples. Each point tells how many there are.",
              .evidence = Evidence::Measured,
              .unit = charts::Unit::DurationNs,
              .log = state_.log_y,
              .fit = charts::padded(y.range(), 0.06, state_.log_y)};
    if (!state_.log_y)
        spec.y.fit.low = 0;
    return spec;
}

void SweepView::draw_band(const charts::Plot &plot, const SweepLine &line) {
    const ImU32 colour = packed(variant_colour(theme_, line.op, line.variant), 0.16f);
    for (std::size_t i = 1; i < line.points.size(); ++i) {
        const Summary &a = measurement(line.points[i - 1]).time, &b = measurement(line.points[i]).time;
        const double left = x_of(line.points[i - 1]), right = x_of(line.points[i]);
        plot.draw->AddQuadFilled(plot.at(left, a.p90), plot.at(right, b.p90), plot.at(right, b.p10),
                                 plot.at(left, a.p10), colour);
    }
}

void SweepView::draw_floor(const charts::Plot &plot, const SweepLine &line) {
    const ImU32 colour = packed(mix(variant_colour(theme_, line.op, line.variant), theme_.muted, 0.35f), 0.8f);
    const float dash = px(5), room = px(4);
    for (std::size_t i = 1; i < line.points.size(); ++i) {
        const double a = measurement(line.points[i - 1]).floor_ns, b = measurement(line.points[i]).floor_ns;
        if (a <= 0 || b <= 0)
            continue;
        const ImVec2 from = plot.at(x_of(line.points[i - 1]), a), to = plot.at(x_of(line.points[i]), b);
        charts::draw_dashes(*plot.draw, from, to, dash, room, colour, std::max(1.0f, px(1)));
    }
}

void SweepView::draw_line(const charts::Plot &plot, const SweepLine &line) {
    const ImVec4 colour = variant_colour(theme_, line.op, line.variant);
    std::vector<charts::Point> points;
    for (const SweepLine::Point &point : line.points)
        points.push_back({x_of(point), measurement(point).time.median});
    charts::draw_line(plot, points, colour, std::max(1.5f, 2 * context_.scale));
    const auto near = charts::draw_points(plot, points, [&](std::size_t) { return packed(colour); }, px(3), px(10));
    for (std::size_t i = 0; i < line.points.size(); ++i)
        if (line.points[i].id == context_.selection.measurement)
            plot.draw->AddCircle(plot.at(points[i].x, points[i].y), px(6), packed(theme_.text), 0, std::max(1.0f, px(2)));
    if (!near)
        return;
    hovered_line_ = &line;
    hovered_point_ = &line.points[*near];
}

void SweepView::draw_steps(const charts::Plot &plot, const SweepLine &line) {
    const ui::FontScope small(ui::small_font());
    const float size = px(5), text_line = ImGui::GetTextLineHeight();
    for (const Step &step : line.steps) {
        const SweepLine::Point &a = line.points[step.after - 1], &b = line.points[step.after];
        const ImVec2 from = plot.at(x_of(a), measurement(a).time.median);
        const ImVec2 to = plot.at(x_of(b), measurement(b).time.median);
        const ImVec2 at{(from.x + to.x) / 2, (from.y + to.y) / 2};
        const float tip = step.up ? -size : size;
        const ImU32 colour = packed(step.up ? theme_.warning : theme_.good);
        plot.draw->AddCircleFilled(at, size * 1.9f, packed(theme_.background, 0.85f));
        plot.draw->AddTriangleFilled({at.x, at.y + tip}, {at.x - size, at.y - tip * 0.7f},
                                     {at.x + size, at.y - tip * 0.7f}, colour);
        plot.draw->AddText({std::floor(at.x + size * 2), std::floor(at.y - text_line / 2)}, colour,
                           format_ratio(step.factor).c_str());
        const ImVec2 low{at.x - size * 2, at.y - text_line / 2};
        const ImVec2 high{at.x + size * 2 + ImGui::CalcTextSize(format_ratio(step.factor).c_str()).x, at.y + text_line / 2};
        if (plot.hovered && ImGui::IsMouseHoveringRect(low, high)) {
            hovered_line_ = &line;
            hovered_step_ = &step;
        }
    }
}

// The axis of values that are words.
void SweepView::draw_words(const charts::Plot &plot) {
    const ui::FontScope small(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    for (const FoundSweep::Point &point : sweep().points) {
        const float x = float(plot.x.to_pixel(point.x)), width = ImGui::CalcTextSize(point.value.c_str()).x;
        if (x >= plot.low.x && x <= plot.high.x)
            plot.draw->AddText({std::floor(x - width / 2), plot.high.y + line * 0.25f}, packed(theme_.muted),
                               point.value.c_str());
    }
    ImGui::SetCursorScreenPos({ImGui::GetCursorScreenPos().x, plot.high.y + 1});
    ImGui::Dummy({plot.high.x - ImGui::GetCursorScreenPos().x, line * 1.6f});
    ui::explain(theme_, Evidence::Reported, spec().x.explain);
}

std::string SweepView::place_of(const SweepLine &line, const SweepLine::Point &point) const {
    const Measurement &m = measurement(point);
    std::string text = fmt::format("{} {}, {} {}", info(line.op).name, line.variant, sweep().parameter->name,
                                   sweep().points[point.at].value);
    if (info(m.op).tunable && !m.config.is_default())
        text += "\nTile " + m.config.text();
    return text;
}

void SweepView::explain_point(const SweepLine &line, const SweepLine::Point &point) const {
    const Measurement &m = measurement(point);
    std::vector<ui::Fact> facts{time_fact(m)};
    if (m.floor_ns > 0)
        facts.push_back(floor_fact(m, ceilings(m)));
    ui::tooltip(theme_, place_of(line, point), facts);
}

void SweepView::explain_floor_of(const SweepLine &line, const SweepLine::Point &point) const {
    const Measurement &m = measurement(point);
    const ui::Fact facts[] = {floor_fact(m, ceilings(m))};
    ui::tooltip(theme_, "Floor of " + place_of(line, point), facts);
}

// Off the points: the line, the floor or the band that the pointer is on speaks of its nearest point.
void SweepView::find_between(const charts::Plot &plot) {
    constexpr int kLine = 0, kFloor = 1, kBand = 2;
    for (const int what : {kLine, kFloor, kBand})
        for (const SweepLine &line : state_.lines) {
            if (!shows(line) || hovered_line_ || !plot.hovered || (what == kFloor && !state_.plot.shows(kFloors)))
                continue;
            for (std::size_t i = 1; i < line.points.size(); ++i) {
                const SweepLine::Point &a = line.points[i - 1], &b = line.points[i];
                const Measurement &from = measurement(a), &to = measurement(b);
                const auto at = [&](double left, double right, double way) {
                    const ImVec2 p = plot.at(x_of(a), left), q = plot.at(x_of(b), right);
                    return ImVec2{p.x + (q.x - p.x) * float(way), p.y + (q.y - p.y) * float(way)};
                };
                const float left = at(1, 1, 0).x, right = at(1, 1, 1).x;
                if (plot.mouse.x < left || plot.mouse.x > right || right <= left)
                    continue;
                const double way = (plot.mouse.x - left) / (right - left);
                const auto beside = [&](double p, double q) {
                    return charts::distance_to(plot.mouse, at(p, q, 0), at(p, q, 1)) < px(5);
                };
                const bool on = what == kLine    ? beside(from.time.median, to.time.median)
                                : what == kFloor ? from.floor_ns > 0 && to.floor_ns > 0 && beside(from.floor_ns, to.floor_ns)
                                                 : plot.mouse.y >= at(from.time.p90, to.time.p90, way).y - 1 &&
                                                       plot.mouse.y <= at(from.time.p10, to.time.p10, way).y + 1;
                if (!on)
                    continue;
                hovered_line_ = &line;
                hovered_point_ = way < 0.5 ? &a : &b;
                floor_hovered_ = what == kFloor;
                break;
            }
        }
}

void SweepView::draw_chart(ImVec2 size) {
    auto plot = charts::begin_plot("times", size, spec(), state_.plot, theme_, context_.scale);
    for (const SweepLine &line : state_.lines)
        if (shows(line))
            draw_band(plot, line);
    if (state_.plot.shows(kFloors))
        for (const SweepLine &line : state_.lines)
            if (shows(line))
                draw_floor(plot, line);
    for (const SweepLine &line : state_.lines)
        if (shows(line))
            draw_line(plot, line);
    for (const SweepLine &line : state_.lines)
        if (shows(line))
            draw_steps(plot, line);
    charts::end_plot(plot, state_.plot, theme_);
    if (!sweep().numeric)
        draw_words(plot);
    if (hovered_step_)
        return ui::tooltip(theme_, Evidence::Estimated, sentence_of(sweep(), *hovered_line_, *hovered_step_) + ".\n" + kStepWords);
    find_between(plot);
    if (!hovered_point_)
        return;
    if (floor_hovered_)
        explain_floor_of(*hovered_line_, *hovered_point_);
    else
        explain_point(*hovered_line_, *hovered_point_);
    context_.selection.next_hovered = hovered_point_->id;
    if (plot.clicked)
        context_.selection.measurement = hovered_point_->id;
}

std::vector<std::pair<const SweepLine *, const Step *>> SweepView::shown_steps() const {
    std::vector<std::pair<const SweepLine *, const Step *>> steps;
    for (const SweepLine &line : state_.lines)
        if (shows(line))
            for (const Step &step : line.steps)
                steps.emplace_back(&line, &step);
    return steps;
}

void SweepView::draw_step_list() {
    const ui::FontScope small(ui::small_font());
    const auto steps = shown_steps();
    constexpr std::size_t kMost = 4;
    for (std::size_t i = 0; i < steps.size() && i < kMost; ++i) {
        ui::text(steps[i].second->up ? "Step up:" : "Step down:",
                 steps[i].second->up ? theme_.warning : theme_.good);
        ImGui::SameLine(0, px(6));
        ui::text(sentence_of(sweep(), *steps[i].first, *steps[i].second) + ".", theme_.muted);
        if (ImGui::IsItemClicked())
            context_.selection.measurement = steps[i].first->points[steps[i].second->after].id;
        ui::explain(theme_, Evidence::Estimated,
                    fmt::format("{} Click to select where it leads.", kStepWords));
    }
    if (steps.size() > kMost) {
        ui::text(fmt::format("and {} more, marked in the chart", steps.size() - kMost), theme_.muted);
        ui::explain("Point at a mark of the chart to read it.");
    }
}

void SweepView::draw() {
    update();
    draw_request();
    if (state_.sweeps.empty()) {
        ui::empty_state(theme_, "No sweep yet",
                        "Runs that differ in one parameter are drawn here as lines: time, its spread, the floor "
                        "below it and the steps in it. Choose a parameter and its values above.",
                        {{"Show a recording", context_.recording(ViewId::Sweep)}});
        return;
    }
    ImGui::Dummy({0, px(4)});
    draw_choices();
    draw_plot();
    draw_step_list();
}

void SweepView::draw_plot() {
    const PlotArea area(context_, "sweep", name_of(sweep()), [&] {
        std::vector<SweepLine> lines;
        std::copy_if(state_.lines.begin(), state_.lines.end(), std::back_inserter(lines),
                     [&](const SweepLine &line) { return shows(line); });
        return sweep_csv(*context_.session, sweep(), lines);
    });
    draw_legend();
    const ui::FontScope small(ui::small_font());
    const float line = ImGui::GetTextLineHeightWithSpacing();
    const float below = line * (float(std::min<std::size_t>(shown_steps().size(), 5)) + (sweep().numeric ? 0 : 1.4f));
    const ImVec2 room = ImGui::GetContentRegionAvail();
    draw_chart({room.x, std::max(px(200), room.y - below - px(8))});
}

} // namespace

void draw_sweep(const ViewContext &context, SweepState &state, const SweepActions &actions) {
    SweepView(context, state, actions).draw();
}

} // namespace moescope
