// Full against selective dequantisation: what each variant holds, side by side.
#include "app/views/memory_parts.h"

#include "app/charts/series.h"
#include "app/views/measurement_text.h"
#include "app/views/memory_words.h"
#include "app/views/number.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr const char *kPieces[] = {"inputs", "outputs", "workspace"};

std::vector<charts::Segment> segments_of(const ViewContext &context, const MemoryRow &row) {
    const Measurement &m = context.session->measurements[row.id.value];
    const ImVec4 colour = variant_colour(context.theme, m.op, m.variant);
    std::vector<charts::Segment> segments;
    double from = 0;
    const std::int64_t pieces[] = {row.inputs, row.outputs, row.workspace};
    for (int i = 0; i < 3; ++i) {
        segments.push_back({from, from + double(pieces[i]),
                            mix(colour, context.theme.background, 0.25f * float(i)), false,
                            kPieces[i]});
        from += double(pieces[i]);
    }
    return segments;
}

charts::PlotSpec spec_of(const std::vector<MemoryRow> &rows, float left_margin) {
    double most = 1;
    for (const MemoryRow &row : rows)
        most = std::max(most, double(row.total()));
    charts::PlotSpec spec;
    spec.x = {.explain = "Device memory, by the allocation ledger.",
              .evidence = Evidence::Measured,
              .unit = charts::Unit::Bytes,
              .movable = false,
              .fit = {0, most * 1.04}};
    spec.y = {.movable = false, .labelled = false, .fit = {0, double(rows.size())}};
    spec.left_margin = left_margin;
    return spec;
}

void draw_row(const ViewContext &context, const charts::Plot &plot, const MemoryRow &row, float top,
              float bottom) {
    const auto segments = segments_of(context, row);
    const auto hovered = charts::draw_stack(plot, top, bottom, segments, context.theme);
    if (!plot.hovered || plot.mouse.y < top || plot.mouse.y >= bottom)
        return;
    context.selection.next_hovered = row.id;
    if (plot.clicked)
        context.selection.measurement = row.id;
    const Measurement &m = context.session->measurements[row.id.value];
    std::string words = title_of(m);
    if (hovered)
        words += fmt::format("\n{}: {}", kPieces[*hovered],
                             format_bytes(segments[*hovered].to - segments[*hovered].from));
    ui::tooltip(context.theme, Evidence::Measured, words + "\n" + explain_memory(m));
}

void draw_bars(const ViewContext &context, const std::vector<MemoryRow> &rows,
               charts::PlotState &state) {
    const float scale = context.scale;
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    float label_width = 0;
    for (const MemoryRow &row : rows)
        label_width = std::max(
            label_width,
            ImGui::CalcTextSize(context.session->measurements[row.id.value].variant.c_str()).x);
    label_width += line;
    const ImVec2 size{ImGui::GetContentRegionAvail().x, 26 * scale * float(rows.size()) + 2 * line};
    auto plot =
        charts::begin_plot("bars", size, spec_of(rows, label_width), state, context.theme, scale);
    const float height = (plot.high.y - plot.low.y) / float(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const float top = plot.low.y + height * float(i) + 3 * scale;
        draw_row(context, plot, rows[i], top, top + height - 6 * scale);
    }
    charts::end_plot(plot, state, context.theme);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const float y = std::floor(plot.low.y + height * (float(i) + 0.5f) - line / 2);
        const bool marked = context.selection.measurement == rows[i].id;
        plot.draw->AddText({plot.low.x - label_width, y},
                           packed(marked ? context.theme.accent : context.theme.text),
                           context.session->measurements[rows[i].id.value].variant.c_str());
    }
}

void offer_both(const ViewContext &context, const std::vector<PlanItem> &items) {
    if (items.empty() || !context.run_items)
        return;
    ui::wrapped("This run has not measured both: full dequantisation makes a 16-bit copy of every "
                "expert, selective one of those that have a token.",
                context.theme.muted);
    ImGui::BeginDisabled(context.progress.state == WorkerClient::State::Gone);
    if (ImGui::Button("Measure both"))
        context.run_items(items);
    ImGui::EndDisabled();
    ui::explain("Runs selective and full dequantisation on this run's workload.");
}

} // namespace

void draw_memory_variants(const ViewContext &context, MemoryState &state) {
    const Session &session = *context.session;
    ui::heading("Full or selective dequantisation?");
    ImGui::SameLine();
    ui::badge(context.theme, Evidence::Measured);
    if (!state.variants) { // found once a snapshot: all measurements are looked at
        state.variants.emplace();
        state.variants->verdicts = {selective_verdict(session, context.run), layer_verdict(session, context.run)};
        state.variants->rows = {memory_rows(session, context.run, OperatorId::SelectiveDequant),
                                memory_rows(session, context.run, OperatorId::MoeMlp)};
        state.variants->missing = missing_for_selective(session, context.run);
    }
    for (std::size_t i = 0; i < 2; ++i) {
        const auto &rows = state.variants->rows[i];
        const std::string &verdict = state.variants->verdicts[i];
        ImGui::PushID(int(i));
        if (!verdict.empty()) {
            ui::wrapped(verdict, context.theme.text);
            ui::explain(context.theme, Evidence::Measured,
                        "Peaks of device memory by the allocation ledger and medians of this run's measurements; "
                        "their samples and spread are in the Overview.");
        }
        if (!rows.empty()) {
            const OperatorId op = session.measurements[rows.front().id.value].op;
            const PlotArea area(context, fmt::format("memory-{}", info(op).name),
                                fmt::format("Memory of {}", info(op).title), [&] {
                                    std::vector<MeasurementId> ids;
                                    for (const MemoryRow &row : rows)
                                        ids.push_back(row.id);
                                    return footprint_csv(session, ids);
                                });
            draw_bars(context, rows, state.bars[i]);
        }
        ImGui::PopID();
    }
    offer_both(context, state.variants->missing);
}

} // namespace moescope
