#include "app/views/dispatch.h"

#include "app/charts/series.h"
#include "app/views/dispatch_verdict.h"
#include "app/views/kernel_name.h"
#include "app/views/measurement_text.h"
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

constexpr std::array<OperatorId, 2> kOperators{OperatorId::GateUp, OperatorId::Down};
constexpr const char *kStates[] = {"queued", "running", "done", "failed", "cancelled"};

struct Row {
    MeasurementId id;
    const Measurement *measurement;
    Breakdown breakdown;
};

const Breakdown &breakdown(const ViewContext &context, DispatchState &state, MeasurementId id) {
    if (state.session != context.session) {
        state.session = context.session;
        state.breakdowns.clear();
    }
    const auto found = state.breakdowns.find(id);
    if (found != state.breakdowns.end())
        return found->second;
    return state.breakdowns[id] = median_breakdown(*context.session, state.kernels.of(id));
}

std::vector<Row> rows_of(const ViewContext &context, DispatchState &state, OperatorId op) {
    std::vector<Row> rows;
    const Session &session = *context.session;
    for (const MeasurementId id : dispatch_rows(session, context.run, op))
        rows.push_back(
            {id, &session.measurements[id.value], breakdown(context, state, id)});
    return rows;
}

// All bars here are of one family, so that what tells them apart comes first.
std::string in_a_bar(std::string name) {
    for (const std::string_view family : {"moescope_s2s_", "moescope_"})
        if (name.starts_with(family))
            return name.substr(family.size());
    return name;
}

// The bar's pieces: kernels in shades of the variant's colour, launch gaps hatched. `kernels` gets
// the kernel part of each piece, or -1 for a gap.
std::vector<charts::Segment> segments_of(const ViewContext &context, const Row &row,
                                         std::vector<int> &kernels) {
    const Theme &theme = context.theme;
    const ImVec4 colour = variant_colour(theme, row.measurement->op, row.measurement->variant);
    std::vector<charts::Segment> segments;
    for (std::size_t i = 0; i < row.breakdown.parts.size(); ++i) {
        const KernelPart &part = row.breakdown.parts[i];
        if (part.gap_before_ns > 0) {
            segments.push_back(
                {part.from_ns - part.gap_before_ns, part.from_ns, theme.muted, true, ""});
            kernels.push_back(-1);
        }
        const std::string_view name =
            context.session->name(context.session->kernels[part.kernel].name);
        segments.push_back({part.from_ns, part.to_ns,
                            mix(colour, theme.background, 0.22f * float(i % 3)), false,
                            in_a_bar(short_kernel_name(name))});
        kernels.push_back(int(i));
    }
    if (segments.empty() && row.measurement->time.median > 0) {
        segments.push_back({0, row.measurement->time.median, colour, false, ""});
        kernels.push_back(-1);
    }
    return segments;
}

std::string explain_part(const ViewContext &context, const Row &row, const KernelPart &part) {
    const KernelRecord &kernel = context.session->kernels[part.kernel];
    std::string text(context.session->name(kernel.name));
    text += fmt::format(
        "\n{} of {} ({:.1f} %), repetition {} (the median one)",
        format_duration_ns(part.duration_ns), format_duration_ns(row.breakdown.span_ns),
        100 * part.duration_ns / std::max(1.0, row.breakdown.span_ns), row.breakdown.repetition);
    if (part.overlap_ns > 0)
        text += fmt::format("\nbegins {} before the kernel ahead of it ends",
                            format_duration_ns(part.overlap_ns));
    text += fmt::format("\ngrid {}×{}×{}, block {}×{}×{}, {} registers, {} shared memory",
                        kernel.grid[0], kernel.grid[1], kernel.grid[2], kernel.block[0],
                        kernel.block[1], kernel.block[2], kernel.registers,
                        format_bytes(kernel.static_smem_bytes + kernel.dynamic_smem_bytes));
    text += fmt::format("\nOne of the {} repetitions' own records, by {}: the repetition is the one whose span is the median.",
                        row.measurement->time.samples, title_of(row.measurement->timer));
    return text;
}

std::string explain_segment(const ViewContext &context, const Row &row,
                            const charts::Segment &segment, int part) {
    if (part >= 0)
        return explain_part(context, row, row.breakdown.parts[std::size_t(part)]);
    if (segment.hatched)
        return fmt::format(
            "Launch gap: {}\nThe device waits for the next kernel of the repetition: from one kernel record's end to the next "
            "one's start, in repetition {} (the median one of {}).",
            format_duration_ns(segment.to - segment.from), row.breakdown.repetition, row.measurement->time.samples);
    return fmt::format("{}: {}\nNo kernel records: the whole repetition.", row.measurement->variant,
                       time_fact(*row.measurement).words);
}

float x_of_floor(const charts::Plot &plot, double floor) { return std::floor(float(plot.x.to_pixel(floor))) + 0.5f; }

bool on_floor(const charts::Plot &plot, double floor) {
    return floor > 0 && plot.hovered && std::abs(plot.mouse.x - x_of_floor(plot, floor)) < 4;
}

void draw_floor(const ViewContext &context, const charts::Plot &plot, const Measurement &m) {
    if (m.floor_ns <= 0)
        return;
    const float x = x_of_floor(plot, m.floor_ns);
    plot.draw->AddLine({x, plot.low.y}, {x, plot.high.y}, packed(context.theme.text, 0.8f), 1.5f);
    if (on_floor(plot, m.floor_ns))
        ui::tooltip(context.theme, Evidence::Modelled,
                    "The line is the floor. " + explain_floor(m, context.session->runs[m.run.value].device.ceilings));
}

charts::PlotSpec spec_of(const std::vector<Row> &rows, float left_margin) {
    charts::Extent extent;
    extent.add(0);
    for (const Row &row : rows) {
        extent.add(row.breakdown.span_ns);
        extent.add(row.measurement->time.median);
        extent.add(row.measurement->floor_ns);
    }
    charts::PlotSpec spec;
    spec.x = {.unit = charts::Unit::DurationNs,
              .fit = {0, std::max(1.0, extent.range().high * 1.04)}};
    spec.x.explain = "Time after the repetition's first kernel starts, in the median repetition.";
    spec.x.evidence = Evidence::Measured;
    spec.y = {.movable = false, .labelled = false, .fit = {0, double(rows.size())}};
    spec.left_margin = left_margin;
    return spec;
}

void draw_row(const ViewContext &context, const charts::Plot &plot, const Row &row, double floor, float top,
              float bottom) {
    std::vector<int> kernels;
    const auto segments = segments_of(context, row, kernels);
    const auto hovered = charts::draw_stack(plot, top, bottom, segments, context.theme);
    if (plot.hovered && plot.mouse.y >= top && plot.mouse.y < bottom) {
        context.selection.next_hovered = row.id;
        if (plot.clicked)
            context.selection.measurement = row.id;
    }
    if (!hovered)
        return;
    const int part = kernels[*hovered];
    if (!on_floor(plot, floor))
        ui::tooltip(context.theme, Evidence::Measured, explain_segment(context, row, segments[*hovered], part));
    if (plot.clicked && part >= 0)
        context.selection.kernel = row.breakdown.parts[std::size_t(part)].kernel;
}

void draw_bars(const ViewContext &context, const std::vector<Row> &rows, charts::PlotState &state) {
    const float scale = context.scale, row_height = 40 * scale, label_width = 72 * scale;
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    const ImVec2 size{ImGui::GetContentRegionAvail().x, row_height * float(rows.size()) + 2 * line};
    auto plot =
        charts::begin_plot("bars", size, spec_of(rows, label_width), state, context.theme, scale);
    const float height = (plot.high.y - plot.low.y) / float(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const float top = plot.low.y + height * float(i) + 4 * scale;
        draw_row(context, plot, rows[i], rows.front().measurement->floor_ns, top, top + height - 8 * scale);
    }
    draw_floor(context, plot, *rows.front().measurement);
    charts::end_plot(plot, state, context.theme);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Measurement &m = *rows[i].measurement;
        const float y = std::floor(plot.low.y + height * (float(i) + 0.5f) - line / 2);
        const bool marked = context.selection.measurement == rows[i].id;
        const float left = plot.low.x - label_width;
        plot.draw->AddRectFilled({left, y + line * 0.15f}, {left + line * 0.7f, y + line * 0.85f},
                                 packed(variant_colour(context.theme, m.op, m.variant)), 2 * scale);
        plot.draw->AddText({left + line, y},
                           packed(marked ? context.theme.accent : context.theme.text),
                           m.variant.c_str());
        if (ImGui::IsWindowHovered() && ImGui::IsMouseHoveringRect({left, y}, {plot.low.x, y + line}))
            ui::tooltip(context.theme, Evidence::Measured, title_of(m) + ": " + time_fact(m).words);
    }
}

std::vector<ui::Number> cells_of(const Row &row, const Ceilings &ceilings) {
    const Measurement &m = *row.measurement;
    if (m.state != Measurement::State::Done)
        return {{kStates[int(m.state)], Evidence::Reported, m.failure.what.empty() ? "" : m.failure.sentence()}};
    const std::string samples = fmt::format("{} repetitions, by {}.", m.time.samples, title_of(m.timer));
    return {{time_text(m.time), Evidence::Measured, explain_time(m)},
            {format_duration_ns(m.kernel_ns), Evidence::Measured,
             "The sum of a repetition's kernel times: the median over " + samples},
            {format_duration_ns(m.gap_ns), Evidence::Measured,
             "Idle time between the kernels of a repetition: the median over " + samples},
            {m.floor_ns > 0 ? format_ratio(m.times_floor()) : "–", Evidence::Estimated,
             explain_times_floor(m, ceilings)},
            {format_bytes(double(m.peak_bytes)), Evidence::Measured, explain_memory(m)},
            {format_bytes(double(m.workspace_bytes)), Evidence::Measured,
             "Scratch memory the variant asks for, by the allocation ledger."},
            {m.relative_error < 0 ? "not checked" : agreement_text(m), Evidence::Measured, explain_agreement(m)}};
}

constexpr std::array kHeaders{"Median", "Kernels", "Gaps", "× floor", "Peak", "Workspace", "Error"};
using Cells = std::vector<std::vector<ui::Number>>; // of each row

// Those of kHeaders that there is room for. The inspector has the others, the least telling of which go first.
std::vector<std::size_t> fitting_columns(const std::vector<Row> &rows, const Cells &cells) {
    std::vector<std::size_t> columns{0, 1, 2, 3, 4, 5, 6};
    const float pad = 2 * ImGui::GetStyle().CellPadding.x;
    const auto width = [&](std::size_t column) {
        float most = ui::text_width(kHeaders[column]);
        for (const auto &row : cells)
            if (column < row.size())
                most = std::max(most, ui::text_width(row[column].text));
        return most + pad;
    };
    float all = 0;
    for (const Row &row : rows)
        all = std::max(all, ui::text_width(row.measurement->variant) + pad);
    for (const std::size_t column : columns)
        all += width(column);
    for (const std::size_t least : {5, 1, 4, 2, 6}) {
        if (all <= ImGui::GetContentRegionAvail().x)
            break;
        all -= width(least);
        std::erase(columns, least);
    }
    return columns;
}

void draw_table(const ViewContext &context, const std::vector<Row> &rows) {
    const ui::FontScope font(ui::small_font());
    Cells cells;
    for (const Row &row : rows)
        cells.push_back(cells_of(row, context.session->runs[row.measurement->run.value].device.ceilings));
    const auto columns = fitting_columns(rows, cells);
    if (!ImGui::BeginTable("numbers", int(columns.size()) + 1, ImGuiTableFlags_SizingStretchProp | ImGuiTableFlags_RowBg))
        return;
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ui::text("Variant", context.theme.muted);
    for (const std::size_t column : columns) {
        ImGui::TableNextColumn();
        ui::right_aligned(kHeaders[column], context.theme.muted);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ui::text(rows[i].measurement->variant);
        const bool failed = rows[i].measurement->state == Measurement::State::Failed;
        for (const std::size_t column : columns) {
            ImGui::TableNextColumn();
            if (column < cells[i].size())
                ui::number(context.theme, cells[i][column], failed ? context.theme.failure : context.theme.text);
        }
    }
    ImGui::EndTable();
}

void draw_verdict(const ViewContext &context, OperatorId op, const std::vector<Row> &rows) {
    const Session &session = *context.session;
    std::vector<MeasurementId> ids;
    for (const Row &row : rows)
        ids.push_back(row.id);
    const std::vector<MeasurementId> by_time = ranked(session, ids);
    if (by_time.size() < 2) {
        ui::text("No two variants with LoRA have been measured in this run.", context.theme.muted);
        return;
    }
    ui::wrapped(fastest_sentence(session, by_time), context.theme.text);
    ui::explain(context.theme, Evidence::Estimated, "The ratio of both medians. The interval takes the ends of both medians' 95 % confidence intervals, so it is "
                "wider than 95 %.");
    const MeasurementId fused = row_of(session, ids, "fused"), split = row_of(session, ids, "split");
    const auto verdict = compare(session, fused, split);
    if (!verdict)
        return;
    const ModelShape &model = session.runs[context.run.value].plan.workload.model;
    const RuleOutcome rule = published_rule(session, model, op, *verdict);
    ui::wrapped(sentence(rule), rule.right ? context.theme.muted : context.theme.warning);
    ui::explain(context.theme, Evidence::Estimated,
                fmt::format("Split when E <= 32 and K*N >= 20,000,000 (axolotl, scattermoe_lora "
                            "kernels/ops.py). Here E = {}, K*N = {} * {} = {}. It knows fused and split alone.",
                            rule.experts, rule.k, rule.n, format_count(double(rule.k * rule.n))));
    if (const std::string families = family_sentence(session, fused, split); !families.empty()) {
        ui::wrapped(families, context.theme.muted);
        ui::explain(context.theme, Evidence::Measured,
                    "Hopper's own tiles (wgmma) have no fused LoRA: fused always runs in the portable ones (mma.sync). The "
                    "tuner's times of both in one family tell fusion from tiles.");
    }
}

bool draw_operator(const ViewContext &context, DispatchState &state, std::size_t which) {
    const OperatorId op = kOperators[which];
    const auto rows = rows_of(context, state, op);
    if (rows.empty())
        return false;
    ImGui::PushID(int(which));
    ui::heading(info(op).title);
    ui::explain(info(op).explain);
    draw_verdict(context, op, rows);
    {
        const PlotArea area(context, which == 0 ? "dispatch" : fmt::format("dispatch-{}", info(op).name),
                            fmt::format("Kernels of {} by variant", info(op).title), [&] {
                                std::vector<std::pair<MeasurementId, Breakdown>> data;
                                for (const Row &row : rows)
                                    data.emplace_back(row.id, row.breakdown);
                                return dispatch_csv(*context.session, data);
                            });
        draw_bars(context, rows, state.plots[which]);
    }
    draw_table(context, rows);
    ImGui::Dummy({0, 12 * context.scale});
    ImGui::PopID();
    return true;
}

} // namespace

void draw_dispatch(const ViewContext &context, DispatchState &state) {
    state.kernels.update(*context.session);
    bool any = false;
    if (context.run.valid() && context.run.value < context.session->runs.size())
        for (std::size_t i = 0; i < kOperators.size(); ++i)
            any = draw_operator(context, state, i) || any;
    if (!any)
        ui::empty_state(context.theme, "Nothing to compare yet",
                        "Run gate_up or down with a LoRA rank to see their fused and split "
                        "variants side by side: kernel times, launch gaps, memory and results.",
                        {{"Run", context.run_plan}, {"Show a recording", context.recording(ViewId::Dispatch)}});
}

} // namespace moescope
