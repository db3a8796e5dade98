#include "app/charts/colour_scale.h"
#include "app/charts/heat_map.h"
#include "app/views/autotune_parts.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

namespace moescope {

namespace {

charts::HeatCell cell_of(const ViewContext &context, const AutotuneState &state, CandidateId id,
                         const Tally &tally) {
    using Kind = charts::HeatCell::Kind;
    charts::HeatCell cell;
    if (!id.valid())
        return cell;
    const Candidate &candidate = context.session->candidates[id.value];
    switch (candidate.fate) {
    case Candidate::Fate::Queued:
        cell.kind = Kind::Outlined;
        break;
    case Candidate::Fate::Compiling:
        cell.kind = Kind::Pending;
        break;
    case Candidate::Fate::Pruned:
        cell.kind = Kind::Hatched;
        break;
    case Candidate::Fate::Failed:
        cell.kind = Kind::Crossed;
        break;
    case Candidate::Fate::Timed:
    case Candidate::Fate::Best:
        cell.kind = Kind::Value;
        cell.t = heat_of(candidate.time.median, tally);
        cell.text = id == tally.best ? "best" : format_ratio(candidate.time.median / tally.best_ns);
        break;
    }
    cell.marked = id == tally.best || id == state.hovered;
    cell.selected = context.selection.candidate == id;
    return cell;
}

std::vector<std::string> texts_of(const std::vector<int> &values) {
    std::vector<std::string> result;
    for (const int value : values)
        result.push_back(fmt::format("{}", value));
    return result;
}

// "k", "warps": where block_ only takes room.
std::string short_name(TileField field) {
    const std::string_view name = name_of(field);
    return std::string(name.starts_with("block_") ? name.substr(6) : name);
}

void draw_panel(const ViewContext &context, AutotuneState &state, const Landscape::Panel &panel,
                const charts::HeatMap &map, ImVec2 cell, const Tally &tally) {
    const auto hovered = charts::draw_heat_map("panel", map, cell, context.theme);
    if (!hovered || !panel.cells[*hovered].valid())
        return;
    const CandidateId id = panel.cells[*hovered];
    state.next_hovered = id;
    const Candidate &candidate = context.session->candidates[id.value];
    ui::tooltip(context.theme, candidate.config.text(), facts_of(candidate, tally.best_ns));
    if (ImGui::IsItemClicked())
        context.selection.candidate = id;
}

void draw_strip(const ViewContext &context, const Tally &tally) {
    const std::string slow = fmt::format(
        "{}{}", tally.worst_ns > slowest_shown(tally) * tally.best_ns * 1.001 ? "≥ " : "",
        format_ratio(slowest_shown(tally)));
    charts::colour_strip(
        context.theme, 96 * context.scale, slow.c_str(), "best", Evidence::Estimated,
        "Median time over the best one's, on a logarithmic scale. Hatched: pruned "
        "before it was timed; crossed: failed; outlined: waiting; pulsing: compiling.");
}

} // namespace

void draw_landscape(const ViewContext &context, AutotuneState &state,
                    const std::vector<CandidateId> &candidates, const Tally &tally) {
    const float scale = context.scale;
    if (tally.timed > 0)
        draw_strip(context, tally);
    const Landscape landscape = pivot(*context.session, candidates, state.row, state.column);
    const float right = ImGui::GetCursorScreenPos().x + ImGui::GetContentRegionAvail().x;
    const ImVec2 cell{50 * scale, 26 * scale};
    for (std::size_t i = 0; i < landscape.panels.size(); ++i) {
        const Landscape::Panel &panel = landscape.panels[i];
        charts::HeatMap map{
            .row_title = fmt::format("{} \\ {}", short_name(state.row), short_name(state.column)),
            .rows = texts_of(panel.rows),
            .columns = texts_of(panel.columns),
            .explain = fmt::format("{} down and {} across: the tile sizes that the tuner's plan names.", name_of(state.row),
                                   name_of(state.column))};
        for (std::size_t f = 0; f < panel.key.size(); ++f)
            map.title += fmt::format("{}{} {}", f ? ",  " : "",
                                     short_name(landscape.panel_fields[f]), panel.key[f]);
        for (const CandidateId id : panel.cells)
            map.cells.push_back(cell_of(context, state, id, tally));
        const ImVec2 size = charts::heat_map_size(map, cell);
        if (i > 0 && ImGui::GetItemRectMax().x + 20 * scale + size.x <= right)
            ImGui::SameLine(0, 20 * scale);
        ImGui::PushID(int(i));
        draw_panel(context, state, panel, map, cell, tally);
        ImGui::PopID();
    }
}

} // namespace moescope
