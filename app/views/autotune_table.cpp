#include "app/charts/series.h"
#include "app/views/autotune_parts.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>

namespace moescope {

namespace {

struct ColumnText {
    CandidateColumn column;
    const char *title;
    const char *explain;
};
// From the most to the least telling: a narrow table drops the last ones.
constexpr ColumnText kColumns[] = {
    {CandidateColumn::Tile, "Tile", "block_m × block_n × block_k, warps, stages"},
    {CandidateColumn::Median, "Median", "Median time; the reason where there is none, on hover"},
    {CandidateColumn::Registers, "Regs", "Registers a thread, by the compiler"},
    {CandidateColumn::Smem, "Smem", "Shared memory a block"},
    {CandidateColumn::Blocks, "Blk/SM", "Blocks that fit on one multiprocessor at once: occupancy"},
    {CandidateColumn::Spills, "Spills", "Bytes a thread that did not fit in registers"},
    {CandidateColumn::Compile, "ms", "Milliseconds to compile; – when it came from the cache"},
};

std::string text_of(const Candidate &candidate, CandidateColumn column) {
    constexpr const char *fates[] = {"queued", "compiling", "pruned", "failed"};
    const bool compiled = candidate.fate > Candidate::Fate::Compiling && candidate.registers > 0;
    if (column == CandidateColumn::Tile)
        return candidate.config.text();
    if (column == CandidateColumn::Median)
        return candidate.fate < Candidate::Fate::Timed ? fates[int(candidate.fate)]
                                                       : format_duration_ns(candidate.time.median);
    if (!compiled)
        return "–";
    switch (column) {
    case CandidateColumn::Registers:
        return fmt::format("{}", candidate.registers);
    case CandidateColumn::Smem:
        return format_bytes(candidate.smem_bytes);
    case CandidateColumn::Spills:
        return candidate.spill_bytes ? format_bytes(candidate.spill_bytes) : "0";
    case CandidateColumn::Blocks:
        return candidate.blocks_per_sm > 0 ? fmt::format("{}", candidate.blocks_per_sm) : "–";
    default:
        return candidate.from_cache ? "–" : fmt::format("{:.0f}", candidate.compile_ms);
    }
}

ImVec4 colour_of(const Theme &theme, const Candidate &candidate, bool best) {
    if (candidate.fate == Candidate::Fate::Failed)
        return theme.failure;
    if (best)
        return theme.accent;
    return candidate.fate < Candidate::Fate::Timed ? theme.muted : theme.text;
}

Evidence evidence_of(CandidateColumn column) {
    return column == CandidateColumn::Median || column == CandidateColumn::Compile ? Evidence::Measured
           : column == CandidateColumn::Blocks                                    ? Evidence::Modelled
                                                                                  : Evidence::Reported;
}

// Each column's width with its padding: that of its widest text, and of its title with room for the sorting arrow.
std::array<float, std::size(kColumns)> widths_of(const Session &session, const std::vector<CandidateId> &candidates) {
    std::array<float, std::size(kColumns)> widths{};
    for (std::size_t i = 0; i < widths.size(); ++i) {
        widths[i] = ImGui::CalcTextSize(kColumns[i].title).x + ImGui::GetFontSize() + ImGui::GetStyle().FramePadding.x;
        for (const CandidateId id : candidates)
            widths[i] = std::max(
                widths[i], ImGui::CalcTextSize(text_of(session.candidates[id.value], kColumns[i].column).c_str()).x);
        widths[i] = std::ceil(widths[i]) + 2 * ImGui::GetStyle().CellPadding.x;
    }
    return widths;
}

// Numbers stand at the right, and so do their heads: the arrow of the sorted one right of it.
void draw_title(int column) {
    if (column == 0)
        return ImGui::TableHeader(kColumns[0].title);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float right = at.x + ImGui::GetContentRegionAvail().x;
    const ImGuiTableSortSpecs *specs = ImGui::TableGetSortSpecs();
    const bool sorted = specs && specs->SpecsCount > 0 && specs->Specs[0].ColumnIndex == column;
    ImGui::TableHeader(fmt::format("##{}", kColumns[column].title).c_str());
    const float arrow = sorted ? std::floor(ImGui::GetFontSize() * 0.65f + ImGui::GetStyle().FramePadding.x) : 0;
    ImGui::GetWindowDrawList()->AddText({std::floor(right - ui::text_width(kColumns[column].title) - arrow), at.y},
                                        ImGui::GetColorU32(ImGuiCol_Text), kColumns[column].title);
}

void draw_headers(const Theme &theme, AutotuneState &state, const std::array<float, std::size(kColumns)> &widths, float room) {
    const float padding = 2 * ImGui::GetStyle().CellPadding.x;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        const ColumnText &column = kColumns[i];
        ImGuiTableColumnFlags flags = i == 0 ? ImGuiTableColumnFlags_WidthStretch : ImGuiTableColumnFlags_WidthFixed;
        if (column.column == CandidateColumn::Median)
            flags |= ImGuiTableColumnFlags_DefaultSort;
        room -= widths[i];
        if (room < 0 && i > 1)
            flags |= ImGuiTableColumnFlags_Disabled;
        ImGui::TableSetupColumn(column.title, flags, i == 0 ? 1.0f : widths[i] - padding);
    }
    ImGui::TableSetupScrollFreeze(0, 1);
    ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
    for (int i = 0; i < int(std::size(kColumns)); ++i) {
        if (!ImGui::TableSetColumnIndex(i))
            continue;
        draw_title(i);
        if (kColumns[i].column == CandidateColumn::Tile)
            ui::explain(kColumns[i].explain);
        else
            ui::explain(theme, evidence_of(kColumns[i].column), kColumns[i].explain);
    }
    ImGuiTableSortSpecs *specs = ImGui::TableGetSortSpecs();
    if (!specs || specs->SpecsCount == 0)
        return;
    state.sorted_by = kColumns[specs->Specs[0].ColumnIndex].column;
    state.descending = specs->Specs[0].SortDirection == ImGuiSortDirection_Descending;
}

void draw_candidate_row(const ViewContext &context, AutotuneState &state, CandidateId id,
                        const Tally &tally) {
    const Candidate &candidate = context.session->candidates[id.value];
    const ImVec4 colour = colour_of(context.theme, candidate, id == tally.best);
    ImGui::PushID(int(id.value));
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    const bool lit = context.selection.candidate == id || state.hovered == id;
    ImGui::PushStyleColor(ImGuiCol_Text, colour);
    if (ImGui::Selectable(candidate.config.text().c_str(), lit,
                          ImGuiSelectableFlags_SpanAllColumns))
        context.selection.candidate = id;
    ImGui::PopStyleColor();
    if (ImGui::IsItemHovered()) {
        state.next_hovered = id;
        if (ui::column_hovered(0)) // the others have words of their own
            ui::tooltip(context.theme, candidate.config.text(), facts_of(candidate, tally.best_ns));
    }
    for (std::size_t i = 1; i < std::size(kColumns); ++i) {
        if (!ImGui::TableNextColumn())
            continue;
        const CandidateColumn column = kColumns[i].column;
        ui::number(context.theme,
                   {text_of(candidate, column), evidence_of(column),
                    fmt::format("{}.\n{}", kColumns[i].explain, explain(candidate, tally.best_ns))},
                   colour);
    }
    ImGui::PopID();
}

} // namespace

float candidate_table_width(const Session &session, const std::vector<CandidateId> &candidates) {
    const ui::FontScope font(ui::small_font());
    const auto widths = widths_of(session, candidates);
    return std::accumulate(widths.begin(), widths.end(), ImGui::GetStyle().ScrollbarSize);
}

void draw_candidate_table(const ViewContext &context, AutotuneState &state,
                          std::vector<CandidateId> candidates, const Tally &tally, ImVec2 size) {
    const ui::FontScope font(ui::small_font());
    constexpr ImGuiTableFlags flags = ImGuiTableFlags_Sortable | ImGuiTableFlags_ScrollY |
                                      ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_RowBg;
    const auto widths = widths_of(*context.session, candidates);
    if (!ImGui::BeginTable("candidates", int(std::size(kColumns)), flags, size))
        return;
    draw_headers(context.theme, state, widths, ImGui::GetContentRegionAvail().x);
    sort_candidates(*context.session, candidates, state.sorted_by, state.descending);
    ImGuiListClipper clipper;
    clipper.Begin(int(candidates.size()));
    while (clipper.Step())
        for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i)
            draw_candidate_row(context, state, candidates[std::size_t(i)], tally);
    ImGui::EndTable();
}

void draw_candidate_scatter(const ViewContext &context, AutotuneState &state,
                            const std::vector<CandidateId> &candidates, const Tally &tally,
                            ImVec2 size) {
    std::vector<charts::Point> points;
    std::vector<CandidateId> ids;
    charts::Extent x, y;
    for (const CandidateId id : candidates) {
        const Candidate &candidate = context.session->candidates[id.value];
        if (candidate.time.median <= 0)
            continue;
        ids.push_back(id);
        points.push_back(
            {double(state.against_registers ? candidate.registers : candidate.smem_bytes),
             candidate.time.median});
        x.add(points.back().x);
        y.add(points.back().y);
    }
    charts::PlotSpec spec;
    spec.x = {.title = state.against_registers ? "registers a thread" : "shared memory a block",
              .explain = state.against_registers ? "As the compiler reports of each candidate."
                                                 : "As the compiler and the candidate's launch ask for.",
              .evidence = Evidence::Reported,
              .unit = state.against_registers ? charts::Unit::Count : charts::Unit::Bytes,
              .fit = charts::padded(x.range(), 0.08)};
    spec.y = {.title = "median time",
              .unit = charts::Unit::DurationNs,
              .log = true,
              .fit = charts::padded(y.empty() ? charts::Range{1, 10} : y.range(), 0.12, true)};
    spec.y.explain = "Median time of each timed candidate, on a logarithmic scale. Each point tells its samples.";
    spec.y.evidence = Evidence::Measured;
    charts::Plot plot =
        charts::begin_plot("scatter", size, spec, state.scatter, context.theme, context.scale);
    const ImVec4 colour = variant_colour(context.theme, state.op, state.variant);
    const auto hovered = charts::draw_points(
        plot, points,
        [&](std::size_t i) {
            const bool lit = ids[i] == state.hovered || context.selection.candidate == ids[i];
            return packed(lit                    ? context.theme.text
                          : ids[i] == tally.best ? context.theme.accent
                                                 : colour,
                          lit || ids[i] == tally.best ? 1.0f : 0.75f);
        },
        4 * context.scale, 10 * context.scale);
    if (hovered) {
        state.next_hovered = ids[*hovered];
        const Candidate &candidate = context.session->candidates[ids[*hovered].value];
        ui::tooltip(context.theme, candidate.config.text(), facts_of(candidate, tally.best_ns));
        if (plot.clicked)
            context.selection.candidate = ids[*hovered];
    }
    charts::end_plot(plot, state.scatter, context.theme);
}

} // namespace moescope
