#include "app/charts/colour_scale.h"
#include "app/views/measurement_text.h"
#include "app/views/routing_parts.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

void draw_operator_choice(const ViewContext &context, RoutingState &state) {
    for (const OperatorId op : {OperatorId::GateUp, OperatorId::Down}) {
        if (ImGui::RadioButton(info(op).name.data(), state.op == op)) {
            state.op = op;
            state.tile.reset();
        }
        ImGui::SameLine(0, 8 * context.scale);
    }
    ImGui::NewLine();
}

const char *family_of(const RowTile &tile) { return tile.wgmma ? "wgmma" : "mma.sync"; }

// A button a size, a line a family; what does not fit a line goes on below it.
void draw_size_chooser(const ViewContext &context, RoutingState &state, const RoutingRecord &routing,
                       const DeviceInfo &device, const RowTile &shown) {
    const char *family = nullptr;
    const float end = ImGui::GetCursorScreenPos().x + ImGui::GetContentRegionAvail().x;
    const float buttons = ImGui::GetCursorPosX() + ImGui::CalcTextSize("block_m, mma.sync").x + 8 * context.scale;
    for (const RowTile &tile : row_tiles_of(device)) {
        const Tiling tiling = tile_rows(routing.counts, tile);
        const std::string label = fmt::format("{}: {:.1f} %", tile.block_m, tiling.wasted_share * 100);
        const float width = ImGui::CalcTextSize(label.c_str()).x + 2 * ImGui::GetStyle().FramePadding.x;
        if (family != family_of(tile)) {
            family = family_of(tile);
            ImGui::AlignTextToFramePadding();
            ui::text(fmt::format("block_m, {}", family), context.theme.muted);
            ui::explain(tile.wgmma ? "Most rows of a tile of Hopper's own family, which deals an expert's rows out "
                                     "evenly and multiplies what a tile has, in steps of 8 (16 above 128)."
                                   : "Rows of a tile of the portable family, which multiplies each tile whole.");
            ImGui::SameLine(buttons);
        } else if (ImGui::GetItemRectMax().x + 8 * context.scale + width < end)
            ImGui::SameLine();
        ImGui::PushID(tile.wgmma);
        const bool chosen = tile == shown;
        if (chosen)
            ImGui::PushStyleColor(ImGuiCol_Button, ImGui::GetStyleColorVec4(ImGuiCol_HeaderActive));
        if (ImGui::Button(label.c_str()))
            state.tile = tile;
        if (chosen)
            ImGui::PopStyleColor();
        ImGui::PopID();
        ui::explain(context.theme, Evidence::Modelled,
                    fmt::format("{} tiles of {}{} rows: {} rows multiplied for {} slots; {:.1f} % are padding.",
                                family, tile.wgmma ? "up to " : "", tile.block_m,
                                format_count(double(tiling.rows)),
                                format_count(double(tiling.rows - tiling.padded_rows)),
                                tiling.wasted_share * 100));
    }
}

std::string explain_cell(const Tiling &tiling, const RoutingRecord &routing, std::int64_t first,
                         std::int64_t last) {
    const std::int32_t expert = expert_of_tile(tiling, first);
    const TileRows rows = rows_of_tiles(tiling, routing.counts, first, last);
    if (last - first == 1)
        return fmt::format("Expert {}, tile {} of {}: {} rows multiplied, {} of them hold slots", expert,
                           first - tiling.first_tile[std::size_t(expert)] + 1,
                           tiling.tiles[std::size_t(expert)], rows.multiplied, rows.used);
    return fmt::format("Experts {} to {}, {} tiles: {} rows multiplied, {:.1f} % of them hold slots",
                       expert, expert_of_tile(tiling, last - 1), last - first,
                       format_count(double(rows.multiplied)),
                       100 * double(rows.used) / double(rows.multiplied));
}

// A cell a tile, as high as block_m: filled from below as far as its rows hold slots, grey as far as
// they are multiplied.
void draw_tile_grid(const ViewContext &context, const RoutingRecord &routing, const Tiling &tiling) {
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
        const TileRows rows = rows_of_tiles(tiling, routing.counts, first, last);
        const auto height_of = [&](std::int64_t part) {
            return high.y - (high.y - low.y) * float(part) / float((last - first) * tiling.tile.block_m);
        };
        // Neighbouring experts in two strengths, so that their borders show.
        const ImVec4 colour = mix(theme.accent, theme.background, from % 2 ? 0.30f : 0.0f);
        draw.AddRectFilled(low, high, packed(theme.muted, 0.08f));
        draw.AddRectFilled({low.x, height_of(rows.multiplied)}, high, packed(theme.muted, 0.35f));
        draw.AddRectFilled({low.x, height_of(rows.used)}, high, packed(lit ? theme.text : colour));
        if (over && mouse.x >= low.x && mouse.x < low.x + step && mouse.y >= low.y &&
            mouse.y < low.y + step) {
            draw.AddRect(low, high, packed(theme.text));
            context.selection.next_hovered_expert = from;
            ui::tooltip(theme, Evidence::Modelled,
                        explain_cell(tiling, routing, first, last) + ".\nCounted from this run's routing.");
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

const TileFacts &facts_of(const ViewContext &context, RoutingState &state, const RowTile &tile) {
    if (state.facts_session != context.session || state.facts_run != context.run ||
        state.facts_op != state.op || state.facts_tile != tile) {
        state.facts = tile_facts(*context.session, context.run, state.op, tile);
        state.facts_session = context.session;
        state.facts_run = context.run;
        state.facts_op = state.op;
        state.facts_tile = tile;
    }
    return state.facts;
}

// A badge and a sentence as one item, to be explained together.
void modelled(const ViewContext &context, const std::string &words) {
    ImGui::BeginGroup();
    ui::badge(context.theme, name_of(Evidence::Modelled), ui::colour_of(context.theme, Evidence::Modelled));
    ImGui::SameLine();
    ui::wrapped(words, context.theme.text);
    ImGui::EndGroup();
}

} // namespace

void draw_tiles(const ViewContext &context, RoutingState &state, const RoutingRecord &routing) {
    const RunRecord &run = context.session->runs[context.run.value];
    const RowTile tile = state.tile ? *state.tile : measured_tile(*context.session, context.run, state.op);
    draw_operator_choice(context, state);
    draw_size_chooser(context, state, routing, run.device, tile);
    const PlotArea area(context, "routing-tiles", "Row tiles of each expert", [&] { return routing_csv(routing); });
    const Tiling tiling = tile_rows(routing.counts, tile);
    const bool on_cpu = run.device.is_cpu();
    modelled(context, fmt::format("{}{} row tiles of {}{} ({}); {} padded rows: {:.1f} % of the matrix work {} wasted.",
                            on_cpu ? "The tiles that a GPU would use, not what the CPU did: " : "",
                            format_count(double(tiling.tile_count)), tile.wgmma ? "up to " : "",
                            tile.block_m, family_of(tile), format_count(double(tiling.padded_rows)),
                            tiling.wasted_share * 100, on_cpu ? "would be" : "is"));
    ui::explain(context.theme, Evidence::Modelled,
                tile.wgmma ? "Counted from this run's routing. Each expert's rows are dealt out evenly over its tiles, in eights; "
                             "a tile multiplies what it has, in steps of 8, or of 16 where block_m is above 128."
                           : "Counted from this run's routing. Each expert's rows are cut into tiles; its last tile is multiplied "
                             "whole, however few of its rows hold tokens.");
    draw_tile_grid(context, routing, tiling);

    const TileFacts &facts = facts_of(context, state, tile);
    const Waves waves =
        waves_of(tiling.tile_count, output_columns(run.plan.workload.model, state.op),
                 facts.block_n, on_cpu ? 0 : run.device.multiprocessors, facts.blocks_per_sm);
    ImGui::Dummy({0, 4 * context.scale});
    if (waves.waves == 0) {
        ui::text("Waves need a device with multiprocessors: this run was not on a GPU.",
                 context.theme.muted);
        return;
    }
    modelled(
        context,
        fmt::format("{} blocks in {} wave{} of {}; the last is {:.0f} % full: {:.1f} % of the "
                    "places stay idle.",
                    format_count(double(waves.blocks)), format_count(double(waves.waves)),
                    waves.waves == 1 ? "" : "s", waves.capacity, waves.last_fill * 100,
                    waves.lost_share * 100));
    ui::explain(
        context.theme, Evidence::Modelled,
        fmt::format("Row tiles × column tiles of {} columns, on {} SMs × {} each, if every block took equally long.\n{}",
                    facts.block_n, run.device.multiprocessors, counted(std::size_t(facts.blocks_per_sm), "block"), facts.source));
    draw_waves(context, waves);
}

} // namespace moescope
