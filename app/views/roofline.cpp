#include "app/views/roofline.h"

#include "app/charts/roofline.h"
#include "app/views/measurement_text.h"
#include "app/views/overview_rows.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/roofline_parts.h"
#include "app/views/roofline_points.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"
#include "profiler/explain/gap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr float kLabelDistance = 12; // of a label from its point, at 1x
constexpr const char *kMeasured = "Measured bytes", *kModelled = "Least bytes";

class Roofline {
  public:
    Roofline(const ViewContext &context, RooflineState &state)
        : context_(context), theme_(context.theme), session_(*context.session), state_(state) {}

    void draw();

  private:
    float px(float at_1x) const { return std::round(at_1x * context_.scale); }
    const Measurement &measurement(MeasurementId id) const {
        return session_.measurements[id.value];
    }
    bool marked(MeasurementId id) const { return id == context_.selection.measurement; }

    void draw_head();
    void draw_legend(bool counted);
    void draw_charts(const std::vector<RooflinePoint> &matrix, const std::vector<RooflinePoint> &others, float below);
    void draw_chart(RooflineKind kind, const std::vector<RooflinePoint> &points, ImVec2 size);
    charts::PlotSpec spec_of(RooflineKind kind, const std::vector<RooflinePoint> &points,
                             const std::vector<charts::Roof> &roofs) const;
    void draw_point(const charts::Plot &plot, const RooflinePoint &point);
    void draw_distance(const charts::Plot &plot, const RooflinePoint &point,
                       const std::vector<charts::Roof> &roofs);
    const RooflinePoint *draw_labels(const charts::Plot &plot, const std::vector<RooflinePoint> &points,
                                     const std::vector<charts::Roof> &roofs, const std::vector<ImVec2> &drawn);
    const RooflinePoint *pointed_at(const charts::Plot &plot, const std::vector<RooflinePoint> &points,
                                    const std::vector<charts::Roof> &roofs) const;
    void explain_point(const RooflinePoint &point, RooflineKind kind) const;

    const ViewContext &context_;
    const Theme &theme_;
    const Session &session_;
    RooflineState &state_;
};

void Roofline::draw_head() {
    const DeviceInfo &device = session_.runs[context_.run.value].device;
    const Ceilings &c = state_.ceilings;
    // On the same line where there is room.
    const auto next = [&](float width) {
        ImGui::SameLine(0, px(16));
        if (ImGui::GetContentRegionAvail().x < width)
            ImGui::NewLine();
    };
    const auto ceiling = [&](const std::string &words, bool measured, const char *explain) {
        const char *badge = measured ? "measured" : "modelled";
        next(ImGui::CalcTextSize(words.c_str()).x + px(6) + ui::badge_size(badge).x);
        ui::text(words);
        ui::explain(theme_, measured ? Evidence::Measured : Evidence::Modelled, explain);
        ImGui::SameLine(0, px(6));
        ui::badge(theme_, measured ? Evidence::Measured : Evidence::Modelled);
    };
    const ui::FontScope font(ui::small_font());
    ui::text(device.name, theme_.muted);
    ui::explain(c == device.ceilings
                    ? fmt::format("The roofs are what {} was known to reach when this run began.",
                                  device.id)
                    : fmt::format("The roofs are what {} has measured since this run.", device.id));
    if (c.bytes_per_second > 0)
        ceiling("Memory " + format_bandwidth(c.bytes_per_second), c.bytes_measured,
                "Bytes a second that a kernel that only reads gets from this device's memory; "
                "modelled: from its clock and width.");
    if (c.l2_bytes_per_second > 0)
        ceiling("L2 " + format_bandwidth(c.l2_bytes_per_second), true,
                "Bytes a second that a kernel gets that reads again and again what lies in the L2.");
    if (c.flops_per_second > 0)
        ceiling((device.is_cpu() ? "CPU " : "Matrix units ") + format_flops(c.flops_per_second),
                c.flops_measured,
                device.is_cpu() ? "FLOP/s of a large matrix product on this CPU; modelled: from its cores' clock and "
                                  "what each does in a clock."
                                : "FLOP/s of a large matrix product with 16-bit inputs; modelled: from the "
                                  "multiprocessors' clock and the width of their matrix units.");
    if (c.launch_ns > 0)
        ceiling("Launch " + format_duration_ns(c.launch_ns), c.launch_measured_ns > 0, launch_origin(c).c_str());
    if (!same_device(device, context_.progress.devices) || !context_.measure_ceilings)
        return;
    constexpr const char *kMeasure = "Measure ceilings";
    next(ImGui::CalcTextSize(kMeasure).x + 2 * ImGui::GetStyle().FramePadding.x);
    ImGui::BeginDisabled(context_.progress.state == WorkerClient::State::Gone);
    if (ImGui::SmallButton(kMeasure))
        context_.measure_ceilings(device.id);
    ImGui::EndDisabled();
    ui::explain("Measures this device's memory, matrix units and launches, once nothing else runs: a second, "
                "or some where a kernel is compiled first. The roofs move to what was measured.");
}

void Roofline::draw_legend(bool counted) {
    const ui::FontScope font(ui::small_font());
    const auto entry = [&](const char *name, Evidence evidence, const char *explain) {
        ImGui::BeginGroup();
        const float line = ImGui::GetTextLineHeight();
        const ImVec2 at = ImGui::GetCursorScreenPos();
        ui::draw_mark(*ImGui::GetWindowDrawList(), {at.x + line / 2, at.y + line / 2}, px(4.5f),
                      packed(theme_.text), evidence);
        ImGui::Dummy({line * 1.2f, line});
        ImGui::SameLine(0, 0);
        ui::text(name, theme_.muted);
        ImGui::EndGroup();
        ui::explain(theme_, evidence, explain);
    };
    if (counted) {
        entry(kMeasured, Evidence::Measured,
              "Placed by the DRAM bytes that counters read over a repetition, and the measured "
              "median. FLOPs are the modelled ones.");
        ImGui::SameLine(0, px(16));
    }
    entry(kModelled, Evidence::Modelled,
          "Placed by the bytes that the operator must move at least, and the measured median. A "
          "thin line joins it to where the measured bytes put it.");
    if (!counted) {
        constexpr const char *kNoCounters = "This run has no counters: bytes are the least ones.";
        ui::flow(ui::text_width(kNoCounters), px(16));
        ui::wrapped(kNoCounters, theme_.muted);
        ui::explain("Hardware counters are read in passes of their own. Where they are, each "
                    "operator is also placed by the bytes it really moved.");
    }
}

charts::PlotSpec Roofline::spec_of(RooflineKind kind, const std::vector<RooflinePoint> &points,
                                   const std::vector<charts::Roof> &roofs) const {
    const RooflineFit range = fit(points, roofs);
    charts::PlotSpec spec;
    if (kind == RooflineKind::Intensity) {
        spec.x = {.title = "Intensity: FLOP a byte",
                  .explain = "Operations of the matrix products over the bytes through memory: those counted (discs), or "
                             "the least there must be (rings).",
                  .evidence = Evidence::Estimated,
                  .unit = charts::Unit::Number};
        spec.y = {.title = "Matrix products: compute rate",
                  .explain = "Operations that must be done, over the measured median.",
                  .evidence = Evidence::Estimated,
                  .unit = charts::Unit::FlopsPerSecond};
    } else {
        spec.x = {.title = "Bytes moved",
                  .explain = "Bytes through memory in one repetition: those counted (discs), or the least there must be "
                             "(rings).",
                  .evidence = Evidence::Estimated,
                  .unit = charts::Unit::Bytes};
        spec.y = {.title = "Everything else: memory rate",
                  .explain = "Bytes through memory over the measured median. These operators have "
                             "no matrix products.",
                  .evidence = Evidence::Estimated,
                  .unit = charts::Unit::BytesPerSecond};
    }
    spec.x.log = spec.y.log = true;
    spec.x.fit = range.x;
    spec.y.fit = range.y;
    return spec;
}

void Roofline::explain_point(const RooflinePoint &point, RooflineKind kind) const {
    const Measurement &m = measurement(point.id);
    std::vector<ui::Fact> facts{time_fact(m)};
    const auto rate = [&](double y) {
        return kind == RooflineKind::Intensity ? format_flops(y) : format_bandwidth(y);
    };
    const bool matrix = kind == RooflineKind::Intensity;
    if (point.measured) {
        const double bytes = matrix ? m.cost.flops / point.measured->x : point.measured->x;
        facts.push_back({Evidence::Measured,
                         fmt::format("Disc: {} through DRAM ({} the least), by hardware counters in passes of their own: {}.",
                                     format_bytes(bytes), format_ratio(bytes / m.cost.bytes),
                                     matrix ? fmt::format("{:.3g} FLOP a byte", point.measured->x) : rate(point.measured->y))});
    }
    facts.push_back({Evidence::Modelled, fmt::format("Ring: at least {}{}, {} over the measured time.", format_bytes(m.cost.bytes),
                                                     matrix ? fmt::format(", {:.3g} FLOP a byte", point.modelled.x) : "",
                                                     rate(point.modelled.y))});
    facts.push_back(floor_fact(m, state_.ceilings));
    ui::tooltip(theme_, title_of(m), facts);
}

void Roofline::draw_point(const charts::Plot &plot, const RooflinePoint &point) {
    const Measurement &m = measurement(point.id);
    const bool selected = marked(point.id), hovered = point.id == context_.selection.hovered;
    const bool dim = context_.selection.hovered.valid() && !hovered && !selected;
    const ImU32 colour = packed(variant_colour(theme_, m.op, m.variant), dim ? 0.45f : 1.0f);
    const ImVec2 modelled = plot.at(point.modelled.x, point.modelled.y);
    const float radius = px(4.5f);
    if (point.measured) {
        const ImVec2 measured = plot.at(point.measured->x, point.measured->y);
        plot.draw->AddLine(modelled, measured, colour, std::max(1.0f, px(1)));
        ui::draw_mark(*plot.draw, measured, radius, colour, Evidence::Measured);
    }
    ui::draw_mark(*plot.draw, modelled, radius, colour, Evidence::Modelled);
    if (selected || hovered)
        plot.draw->AddCircle(plot.at(point.best().x, point.best().y), radius + px(4),
                             packed(theme_.accent, selected ? 1.0f : 0.6f), 0, px(2));
}

// Up from the selected point to what the roofs allow there.
void Roofline::draw_distance(const charts::Plot &plot, const RooflinePoint &point,
                             const std::vector<charts::Roof> &roofs) {
    const charts::Point &p = point.best();
    const double limit = charts::allowed(roofs, p.x);
    if (limit <= p.y)
        return;
    const ImVec2 from = plot.at(p.x, p.y), to = plot.at(p.x, limit);
    const float dash = px(4);
    for (float y = from.y - px(9); y > to.y; y -= 2 * dash)
        plot.draw->AddLine({from.x, y}, {from.x, std::max(y - dash, to.y)}, packed(theme_.accent),
                           std::max(1.0f, px(1.5f)));
}

std::string distance_text(const Measurement &m, const RooflinePoint &point,
                          const std::vector<charts::Roof> &roofs) {
    const double times = charts::allowed(roofs, point.best().x) / point.best().y;
    return times > 1 ? fmt::format("{}: {} below the roof", title_of(m), format_ratio(times))
                     : title_of(m);
}

// The selected point and the fastest variant of each operator are named. The one whose name the pointer is on.
const RooflinePoint *Roofline::draw_labels(const charts::Plot &plot, const std::vector<RooflinePoint> &points,
                           const std::vector<charts::Roof> &roofs,
                           const std::vector<ImVec2> &drawn) {
    std::vector<const RooflinePoint *> named;
    std::vector<LabelWish> wishes;
    std::vector<LabelPlace> obstacles;
    for (const ImVec2 &at : drawn)
        obstacles.push_back({at.x, at.y});
    std::vector<std::string> words;
    const auto fastest = fastest_variants(session_, context_.run);
    for (const RooflinePoint &point : points)
        for (const charts::Point &p : {point.modelled, point.best()})
            obstacles.push_back({plot.at(p.x, p.y).x, plot.at(p.x, p.y).y});
    for (const bool wanted_selected : {true, false})
        for (const RooflinePoint &point : points) {
            const bool selected = marked(point.id);
            if (selected != wanted_selected ||
                (!selected && std::find(fastest.begin(), fastest.end(), point.id) == fastest.end()))
                continue;
            const Measurement &m = measurement(point.id);
            words.emplace_back(selected ? distance_text(m, point, roofs) : info(m.op).title);
            ImVec2 size = ImGui::CalcTextSize(words.back().c_str());
            if (selected && size.x > (plot.high.x - plot.low.x) * 0.8f) {
                words.back() = title_of(m);
                size = ImGui::CalcTextSize(words.back().c_str());
            }
            const ImVec2 at = plot.at(point.best().x, point.best().y);
            named.push_back(&point);
            wishes.push_back({at.x, at.y, size.x, size.y});
        }
    const LabelFrame frame{plot.low.x, plot.low.y, plot.high.x, plot.high.y};
    auto places = place_labels(wishes, obstacles, px(kLabelDistance), frame);
    // What finds no room off the roofs may lie on them.
    const auto own = std::vector<LabelPlace>(obstacles.begin() + std::ptrdiff_t(drawn.size()),
                                             obstacles.end());
    if (!places.empty() && std::none_of(places.begin(), places.end(),
                                        [](const auto &place) { return place.has_value(); }))
        places = place_labels(wishes, own, px(kLabelDistance), frame);
    const RooflinePoint *hovered = nullptr;
    for (std::size_t i = 0; i < named.size(); ++i) {
        if (!places[i])
            continue;
        const ImVec2 at{std::floor(places[i]->x), std::floor(places[i]->y)};
        plot.draw->AddText(at, packed(marked(named[i]->id) ? theme_.text : theme_.muted), words[i].c_str());
        if (plot.hovered && ImGui::IsMouseHoveringRect(at, {at.x + wishes[i].width, at.y + wishes[i].height}))
            hovered = named[i];
    }
    return hovered;
}

const RooflinePoint *Roofline::pointed_at(const charts::Plot &plot, const std::vector<RooflinePoint> &points,
                                          const std::vector<charts::Roof> &roofs) const {
    const RooflinePoint *nearest = nullptr;
    float best = px(14) * px(14);
    if (!plot.hovered)
        return nullptr;
    for (const RooflinePoint &point : points)
        for (const charts::Point &p : {point.modelled, point.best()}) {
            const ImVec2 at = plot.at(p.x, p.y);
            const float dx = at.x - plot.mouse.x, dy = at.y - plot.mouse.y;
            if (dx * dx + dy * dy < best) {
                best = dx * dx + dy * dy;
                nearest = &point;
            }
        }
    if (nearest)
        return nearest;
    // On the line that joins a point's two places, or on the selected one's way up to the roof.
    const auto near = [&](charts::Point a, charts::Point b) {
        return charts::distance_to(plot.mouse, plot.at(a.x, a.y), plot.at(b.x, b.y)) < px(4);
    };
    for (const RooflinePoint &point : points) {
        const charts::Point top{point.best().x, charts::allowed(roofs, point.best().x)};
        if (near(point.modelled, point.best()) || (marked(point.id) && top.y > point.best().y && near(point.best(), top)))
            return &point;
    }
    return nullptr;
}

void Roofline::draw_chart(RooflineKind kind, const std::vector<RooflinePoint> &points,
                          ImVec2 size) {
    const DeviceInfo &device = session_.runs[context_.run.value].device;
    const auto roofs =
        roofs_of(state_.ceilings, kind, device.is_cpu() ? 0 : state_.shortest_kernel_ns, device.is_cpu());
    charts::PlotState &state = state_.plots[std::size_t(kind)];
    ImGui::PushID(int(kind));
    auto plot = charts::begin_plot("roofline", size, spec_of(kind, points, roofs), state, theme_,
                                   context_.scale);
    const ui::FontScope font(ui::small_font());
    const auto drawn = charts::draw_roofs(plot, roofs, theme_, context_.scale, px(kLabelDistance));
    for (const RooflinePoint &point : points)
        if (marked(point.id))
            draw_distance(plot, point, roofs);
    for (const RooflinePoint &point : points)
        draw_point(plot, point);
    const RooflinePoint *named = draw_labels(plot, points, roofs, drawn.points);
    charts::end_plot(plot, state, theme_);
    ImGui::PopID();
    const RooflinePoint *near = pointed_at(plot, points, roofs), *hovered = near ? near : named;
    if (!hovered) {
        if (drawn.hovered)
            ui::tooltip(theme_, drawn.hovered->evidence, drawn.hovered->label + ".\n" + drawn.hovered->explain);
        return;
    }
    context_.selection.next_hovered = hovered->id;
    explain_point(*hovered, kind);
    if (plot.clicked)
        context_.selection.measurement = hovered->id;
}

void Roofline::draw() {
    const DeviceInfo &device = session_.runs[context_.run.value].device;
    const DeviceInfo *now = same_device(device, context_.progress.devices);
    state_.ceilings = now ? latest(device.ceilings, now->ceilings) : device.ceilings;
    if (state_.session != context_.session || state_.run != context_.run) {
        state_.session = context_.session;
        state_.run = context_.run;
        state_.facts.reset();
        state_.shortest_kernel_ns = shortest_kernel_ns(session_, context_.run, state_.kernels);
    }
    const auto matrix =
        roofline_points(session_, context_.run, RooflineKind::Intensity, state_.counters);
    const auto others =
        roofline_points(session_, context_.run, RooflineKind::Size, state_.counters);
    const auto counted = [](const std::vector<RooflinePoint> &points) {
        return std::any_of(points.begin(), points.end(),
                           [](const RooflinePoint &point) { return point.measured.has_value(); });
    };
    draw_head();
    const GapView below(context_, state_);
    {
        const PlotArea area(context_, "roofline", "Measurements under the device's ceilings",
                            [&] { return roofline_csv(session_, matrix, others); });
        draw_legend(counted(matrix) || counted(others));
        draw_charts(matrix, others, below.height(ImGui::GetContentRegionAvail().x));
    }
    ImGui::Dummy({0, px(4)});
    below.draw(state_);
}

// Side by side where there is room.
void Roofline::draw_charts(const std::vector<RooflinePoint> &matrix, const std::vector<RooflinePoint> &others, float below) {
    const ImVec2 room = ImGui::GetContentRegionAvail();
    const bool both = !matrix.empty() && !others.empty(), beside = room.x > px(640);
    const float gap = px(16), least = px(200);
    const float charts = room.y - below;
    const float height = std::max(least, both && !beside ? std::floor(charts / 2) : charts);
    const float left = both && beside ? std::floor((room.x - gap) * 0.56f) : room.x;
    if (!matrix.empty())
        draw_chart(RooflineKind::Intensity, matrix, {left, height});
    if (both && beside)
        ImGui::SameLine(0, gap);
    if (!others.empty())
        draw_chart(RooflineKind::Size, others, {ImGui::GetContentRegionAvail().x, height});
}

} // namespace

void draw_roofline(const ViewContext &context, RooflineState &state) {
    const Session &session = *context.session;
    state.kernels.update(session);
    state.counters.update(session);
    const bool has_run = context.run.valid() && context.run.value < session.runs.size();
    const bool timed =
        has_run && std::any_of(session.measurements.begin(), session.measurements.end(),
                               [&](const Measurement &m) {
                                   return m.run == context.run && m.time.median > 0;
                               });
    if (!timed) {
        ui::empty_state(context.theme, "No operator to place yet",
                        "A run places every operator and variant under the device's memory "
                        "and matrix ceilings, and names what lies between: bytes read again, "
                        "padding, a last wave, launches.",
                        {{"Run", context.run_plan}, {"Show a recording", context.recording(ViewId::Roofline)}});
        return;
    }
    Roofline(context, state).draw();
}

} // namespace moescope
