#include "app/charts/colour_scale.h"
#include "app/views/routing_parts.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

void draw_size_chooser(const ViewContext &context, RoutingState &state,
                       const RoutingRecord &routing, int block_m) {
    for (const OperatorId op : {OperatorId::GateUp, OperatorId::Down}) {
        if (ImGui::RadioButton(info(op).name.data(), state.op == op)) {
            state.op = op;
            state.block_m = 0;
        }
        ImGui::SameLine();
    }
    if (ImGui::GetContentRegionAvail().x < 640 * context.scale)
        ImGui::NewLine();
    else
        ImGui::SameLine(0, 16 * context.scale);
    ImGui::AlignTextToFramePadding();
    ui::text("block_m", context.theme.muted);
    ui::explain("Rows of a tile. Each button says how much of the matrix work would be padding.");
    for (const int size : kRowTileSizes) {
        const double wasted = tile_rows(routing.counts, size).wasted_share;
        ImGui::SameLine();
        const bool chosen = size == block_m;
        if (chosen)
            ImGui::PushStyleColor(ImGuiCol_Button, ImGui::GetStyleColorVec4(ImGuiCol_HeaderActive));
        if (ImGui::Button(fmt::format("{}: {:.1f} %", size, wasted * 100).c_str()))
            state.block_m = size;
        if (chosen)
            ImGui::PopStyleColor();
        ui::explain(context.theme, Evidence::Modelled,
                    fmt::format("Tiles of {} rows: {:.1f} % of the rows multiplied are padding.",
                                size, wasted * 100));
    }
}

std::string explain_cell(const Tiling &tiling, const RoutingRecord &routing, int block_m,
                         std::int64_t first, std::int64_t last) {
    const std::int32_t expert = expert_of_tile(tiling, first);
    if (last - first == 1)
        return fmt::format("Expert {}, tile {} of {}: {} of {} rows used", expert,
                           first - tiling.first_tile[std::size_t(expert)] + 1,
                           tiling.tiles[std::size_t(expert)],
                           used_rows(tiling, routing.counts, block_m, first), block_m);
    return fmt::format("Experts {} to {}, {} tiles: {:.1f} % of their rows used", expert,
                       expert_of_tile(tiling, last - 1), last - first,
                       100 * used_share(tiling, routing.counts, block_m, first, last));
}

// A cell a tile, filled from below as far as its rows are used.
void draw_tile_grid(const ViewContext &context, const RoutingRecord &routing, const Tiling &tiling,
                    int block_m) {
    const Theme &theme = context.theme;
    const float step = std::floor(11 * context.scale),
                gap = std::max(1.0f, std::floor(context.scale));
    const std::int64_t across =
        std::max<std::int64_t>(1, std::int64_t(ImGui::GetContentRegionAvail().x / step));
    const std::int64_t grouped = tiles_per_cell(tiling.tile_count, across * 16);
    const std::int64_t cells = (tiling.tile_count + grouped - 1) / grouped;
    const ImVec2 at = ImGui::GetCursorScreenPos(), mouse = ImGui::GetIO().MousePos;
    ImGui::InvisibleButton("tiles", {float(across) * step,
                                     std::max(1.0f, float((cells + across - 1) / across) * step)});
    const bool over = ImGui::IsItemHovered();
    ui::note_chart("tiles", ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
    auto &draw = *ImGui::GetWindowDrawList();
    const std::int32_t wanted = context.selection.hovered_expert >= 0
                                    ? context.selection.hovered_expert
                                    : context.selection.expert;
    for (std::int64_t i = 0; i < cells; ++i) {
        const std::int64_t first = i * grouped, last = std::min(first + grouped, tiling.tile_count);
        const ImVec2 low{at.x + float(i % across) * step, at.y + float(i / across) * step};
        const ImVec2 high{low.x + step - gap, low.y + step - gap};
        const std::int32_t from = expert_of_tile(tiling, first),
                           to = expert_of_tile(tiling, last - 1);
        const bool lit = wanted >= from && wanted <= to;
        const double used = used_share(tiling, routing.counts, block_m, first, last);
        const float middle = high.y - (high.y - low.y) * float(used);
        // Neighbouring experts in two strengths, so that their borders show.
        const ImVec4 colour = mix(theme.accent, theme.background, from % 2 ? 0.30f : 0.0f);
        draw.AddRectFilled(low, high, packed(theme.muted, 0.22f));
        draw.AddRectFilled({low.x, middle}, high, packed(lit ? theme.text : colour));
        if (over && mouse.x >= low.x && mouse.x < low.x + step && mouse.y >= low.y &&
            mouse.y < low.y + step) {
            draw.AddRect(low, high, packed(theme.text));
            context.selection.next_hovered_expert = from;
            ui::tooltip(theme, Evidence::Modelled,
                        explain_cell(tiling, routing, block_m, first, last) + ".\nCounted from this run's routing.");
        }
    }
    if (grouped > 1) {
        ui::small(fmt::format("each cell stands for {} tiles", grouped), theme.muted);
        ui::explain("There is no room for one cell a tile.");
    }
}

// One box a wave, as high as it is full; of many, the middle ones are left out.
void draw_waves(const ViewContext &context, const Waves &waves) {
    const Theme &theme = context.theme;
    const float line = ImGui::GetTextLineHeight(), height = 44 * context.scale;
    const float room = ImGui::GetContentRegionAvail().x, gap = 2 * context.scale;
    const float width = std::clamp(room / float(std::max<std::int64_t>(1, waves.waves)) - gap,
                                   6 * context.scale, 56 * context.scale);
    const std::int64_t shown = std::min(
        waves.waves, std::max<std::int64_t>(2, std::int64_t((room - line * 2) / (width + gap))));
    const std::int64_t left_out = waves.waves - shown;
    ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::InvisibleButton("waves", {room, height});
    const bool over = ImGui::IsItemHovered();
    ui::note_chart("waves", ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
    const ImVec2 mouse = ImGui::GetIO().MousePos;
    auto &draw = *ImGui::GetWindowDrawList();
    for (std::int64_t i = 0; i < shown; ++i) {
        const bool last = i == shown - 1;
        if (last && left_out > 0) {
            draw.AddText({at.x + line * 0.3f, at.y + (height - line) / 2}, packed(theme.muted),
                         "…");
            at.x += line * 1.5f;
        }
        const ImVec2 high{at.x + width, at.y + height};
        const float fill = last ? float(waves.last_fill) : 1.0f;
        draw.AddRectFilled(at, high, packed(theme.muted, 0.22f));
        draw.AddRectFilled(
            {at.x, high.y - height * fill}, high,
            packed(last ? theme.accent : mix(theme.accent, theme.background, 0.45f)));
        if (over && mouse.x >= at.x && mouse.x < high.x + gap)
            ui::tooltip(theme, Evidence::Modelled,
                        (last ? fmt::format("The last wave: {} of {} places taken ({:.0f} %).", waves.in_last,
                                            waves.capacity, waves.last_fill * 100)
                              : fmt::format("Wave {}: all {} places taken.", i + 1, waves.capacity)) +
                            "\nFrom the number of blocks and how many run at once, if every block took equally long.");
        at.x += width + gap;
    }
}

const TileFacts &facts_of(const ViewContext &context, RoutingState &state, int block_m) {
    if (state.facts_session != context.session || state.facts_run != context.run ||
        state.facts_op != state.op || state.facts_block_m != block_m) {
        state.facts = tile_facts(*context.session, context.run, state.op, block_m);
        state.facts_session = context.session;
        state.facts_run = context.run;
        state.facts_op = state.op;
        state.facts_block_m = block_m;
    }
    return state.facts;
}

} // namespace

void draw_tiles(const ViewContext &context, RoutingState &state, const RoutingRecord &routing) {
    const RunRecord &run = context.session->runs[context.run.value];
    const int block_m = state.block_m > 0
                            ? state.block_m
                            : measured_block_m(*context.session, context.run, state.op);
    draw_size_chooser(context, state, routing, block_m);
    const Tiling tiling = tile_rows(routing.counts, block_m);
    ui::wrapped(
        fmt::format("{} row tiles of {}; {} padded rows: {:.1f} % of the matrix work is wasted.",
                    format_count(double(tiling.tile_count)), block_m,
                    format_count(double(tiling.padded_rows)), tiling.wasted_share * 100),
        context.theme.text);
    ui::explain(
        context.theme, Evidence::Modelled,
        "Counted from this run's routing. Each expert's rows are cut into tiles; its last tile is multiplied whole, however few of "
        "its rows hold tokens.");
    draw_tile_grid(context, routing, tiling, block_m);

    const TileFacts &facts = facts_of(context, state, block_m);
    const Waves waves =
        waves_of(tiling.tile_count, output_columns(run.plan.workload.model, state.op),
                 facts.block_n, run.device.multiprocessors, facts.blocks_per_sm);
    ImGui::Dummy({0, 4 * context.scale});
    if (waves.waves == 0) {
        ui::text("Waves need a device with multiprocessors: this run was not on a GPU.",
                 context.theme.muted);
        return;
    }
    ui::wrapped(
        fmt::format("{} blocks in {} wave{} of {}; the last is {:.0f} % full: {:.1f} % of the "
                    "places stay idle.",
                    format_count(double(waves.blocks)), format_count(double(waves.waves)),
                    waves.waves == 1 ? "" : "s", waves.capacity, waves.last_fill * 100,
                    waves.lost_share * 100),
        context.theme.text);
    ui::explain(
        context.theme, Evidence::Modelled,
        fmt::format("Row tiles × column tiles of {} columns, on {} SMs × {} blocks each, if every "
                    "block took equally long.\n{}",
                    facts.block_n, run.device.multiprocessors, facts.blocks_per_sm, facts.source));
    draw_waves(context, waves);
}

} // namespace moescope
