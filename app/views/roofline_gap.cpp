// What lies between the selected measurement and its floor: a bar of named parts, and their words.
#include "app/views/roofline_parts.h"

#include "app/charts/series.h"
#include "app/views/measurement_text.h"
#include "app/views/metric_text.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

std::string explain_part(const Gap &gap, const GapPart &part) {
    return fmt::format("{}: {}, {:.1f} % of the median.\n{}\n{}", title_of(part.kind),
                       format_duration_ns(part.ns), 100 * part.ns / gap.time_ns, part.words,
                       part.explain);
}

float small_line() {
    const ui::FontScope font(ui::small_font());
    return ImGui::GetTextLineHeight();
}

float wrapped_height(const std::string &words, float width) {
    const ui::FontScope font(ui::small_font());
    return words.empty() ? 0
                         : ImGui::CalcTextSize(words.c_str(), nullptr, false, width).y +
                               ImGui::GetStyle().ItemSpacing.y;
}

} // namespace

GapView::GapView(const ViewContext &context, RooflineState &state) : context_(context) {
    const Session &session = *context.session;
    const MeasurementId id = context.selection.measurement;
    if (!id.valid() || id.value >= session.measurements.size() ||
        session.measurements[id.value].run != context.run)
        return;
    measurement_ = &session.measurements[id.value];
    if (!state.facts || state.facts_of != id) {
        state.facts_of = id;
        state.facts = gap_facts(session, id, state.kernels.of(id), state.counters.whole(id), state.shortest_kernel_ns);
    }
    GapFacts facts = *state.facts;
    facts.ceilings = state.ceilings;
    if (facts.stall)
        facts.stall->reason = known_metrics().title(session.name(facts.stall->metric));
    gap_ = explain_gap(facts);
    for (const std::string &note : gap_.notes)
        notes_ += (notes_.empty() ? "Also: " : "; ") + note;
    if (!notes_.empty())
        notes_ += ".";
    if (!gap_.counted && !session.runs[context.run.value].device.is_cpu())
        hint_ = "What is read more than once shows only in hardware counters, which this "
                "measurement has none of: run it again with counters.";
}

float GapView::height(float width) const {
    const ImGuiStyle &style = ImGui::GetStyle();
    const float body = ImGui::GetTextLineHeightWithSpacing(), line = small_line();
    if (!measurement_ || gap_.parts.empty())
        return 3 * body;
    const float row = line * 1.2f + 2 * style.CellPadding.y; // as tall as a badge
    return 2 * body + std::round(line * 3.6f) + style.ItemSpacing.y +
           row * float(gap_.parts.size()) + wrapped_height(notes_, width) +
           wrapped_height(hint_, width) + std::round(28 * context_.scale);
}

// Shades of the variant's colour: the floor in full, the parts above it paler one after another.
ImVec4 GapView::shade(std::size_t part) const {
    const float pale = part == 0 ? 0.0f : 0.35f + 0.15f * float(part % 3);
    return mix(variant_colour(context_.theme, measurement_->op, measurement_->variant),
               context_.theme.background, pale);
}

void GapView::draw_bar(RooflineState &state) const {
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    std::vector<charts::Segment> segments;
    double from = 0;
    for (std::size_t i = 0; i < gap_.parts.size(); ++i) {
        const GapPart &part = gap_.parts[i];
        const bool rest = part.kind == GapPart::Kind::Rest;
        segments.push_back({from, from + part.ns, rest ? context_.theme.muted : shade(i), rest,
                            title_of(part.kind)});
        from += part.ns;
    }
    charts::PlotSpec spec;
    spec.x = {.explain = "A repetition's time, split. " + explain_time(*measurement_),
              .evidence = Evidence::Measured,
              .unit = charts::Unit::DurationNs,
              .movable = false,
              .fit = {0, gap_.time_ns}};
    spec.y = {.movable = false, .labelled = false, .fit = {0, 1}};
    spec.left_margin = std::round(line * 1.2f);
    const ImVec2 size{ImGui::GetContentRegionAvail().x, std::round(line * 3.6f)};
    auto plot =
        charts::begin_plot("gap", size, spec, state.gap_plot, context_.theme, context_.scale);
    const auto hovered =
        charts::draw_stack(plot, plot.low.y, plot.high.y, segments, context_.theme);
    charts::end_plot(plot, state.gap_plot, context_.theme);
    if (hovered)
        ui::tooltip(context_.theme, gap_.parts[*hovered].evidence,
                    explain_part(gap_, gap_.parts[*hovered]) +
                        fmt::format("\nThe median is of {} samples.", measurement_->time.samples));
}

void GapView::draw_part(std::size_t at) const {
    const GapPart &part = gap_.parts[at];
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    const float line = ImGui::GetTextLineHeight(), side = std::round(line * 0.7f);
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float top = std::round(corner.y + (line - side) / 2);
    const bool rest = part.kind == GapPart::Kind::Rest;
    ImGui::GetWindowDrawList()->AddRectFilled(
        {corner.x, top}, {corner.x + side, top + side},
        rest ? packed(context_.theme.muted, 0.4f) : packed(shade(at)), side * 0.2f);
    ImGui::Dummy({side, line});
    ImGui::SameLine(0, line * 0.5f);
    ui::text(title_of(part.kind));
    ui::explain(part.explain);
    ImGui::TableNextColumn();
    ui::text(ui::fitted(part.words, ImGui::GetContentRegionAvail().x), context_.theme.muted);
    ui::explain(context_.theme, part.evidence, part.words + ".\n" + part.explain);
    ImGui::TableNextColumn();
    ui::number(context_.theme, {format_duration_ns(part.ns), part.evidence, explain_part(gap_, part)});
    ImGui::TableNextColumn();
    ui::number(context_.theme,
               {fmt::format("{:.1f} %", 100 * part.ns / gap_.time_ns), part.evidence,
                fmt::format("Of the median of {} samples, {}.\n{}", measurement_->time.samples,
                            format_duration_ns(gap_.time_ns), explain_part(gap_, part))},
               context_.theme.muted);
    ImGui::TableNextColumn();
    ui::badge(context_.theme, part.evidence);
}

void GapView::draw_table() const {
    const ui::FontScope font(ui::small_font());
    const float scale = context_.scale;
    if (ImGui::BeginTable("parts", 5, ImGuiTableFlags_SizingFixedFit)) {
        ImGui::TableSetupColumn("part", ImGuiTableColumnFlags_WidthFixed, 96 * scale);
        ImGui::TableSetupColumn("words", ImGuiTableColumnFlags_WidthStretch);
        ImGui::TableSetupColumn("time", ImGuiTableColumnFlags_WidthFixed, 64 * scale);
        ImGui::TableSetupColumn("share", ImGuiTableColumnFlags_WidthFixed, 56 * scale);
        ImGui::TableSetupColumn("origin", ImGuiTableColumnFlags_WidthFixed, 76 * scale);
        for (std::size_t i = 0; i < gap_.parts.size(); ++i)
            draw_part(i);
        ImGui::EndTable();
    }
    for (const std::string *words : {&notes_, &hint_})
        if (!words->empty()) {
            ui::wrapped(*words, context_.theme.muted);
            ui::explain(context_.theme, Evidence::Estimated,
                        "From the counters of this measurement, its tiles and its kernels' launches; what is hidden behind "
                        "other work costs no time of its own.");
        }
}

void GapView::draw(RooflineState &state) const {
    if (!measurement_) {
        ui::text("Click a point to see what lies between it and its roof.", context_.theme.muted);
        return;
    }
    const Measurement &m = *measurement_;
    ui::heading(fmt::format("{}: {}", title_of(m), duration_or_dash(m.time.median)));
    ui::explain(context_.theme, Evidence::Measured, explain_time(m));
    ui::wrapped(headline(gap_), context_.theme.text);
    ui::explain(context_.theme, Evidence::Estimated,
                explain_times_floor(m, context_.session->runs[m.run.value].device.ceilings));
    if (gap_.parts.empty())
        return;
    draw_bar(state);
    draw_table();
}

} // namespace moescope
