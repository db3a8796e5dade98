#include "app/views/autotune.h"

#include "app/views/autotune_parts.h"
#include "app/views/number.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

namespace {

// Until the user chooses: the operator x variant of the selected measurement where it can be tuned,
// else the first that has candidates, else gate_up / fused.
void choose_default(const ViewContext &context, AutotuneState &state) {
    if (state.chosen)
        return;
    const Session &session = *context.session;
    const MeasurementId selected = context.selection.measurement;
    if (selected.valid() && selected.value < session.measurements.size()) {
        const Measurement &m = session.measurements[selected.value];
        if (m.run == context.run && info(m.op).tunable) {
            state.op = m.op;
            state.variant = m.variant;
            return;
        }
    }
    const auto first = std::find_if(session.candidates.begin(), session.candidates.end(),
                                    [&](const Candidate &c) { return c.run == context.run; });
    const bool found = first != session.candidates.end();
    state.op = found ? first->op : OperatorId::GateUp;
    state.variant = found ? first->variant : "fused";
}

void draw_chooser(const ViewContext &context, AutotuneState &state) {
    const std::string shown = fmt::format("{} / {}", info(state.op).name, state.variant);
    ImGui::SetNextItemWidth(160 * context.scale);
    if (!ImGui::BeginCombo("##what", shown.c_str()))
        return;
    for (const OperatorInfo &op : operators())
        for (const VariantInfo &variant : op.variants) {
            if (!op.tunable)
                continue;
            const auto count =
                candidates_of(*context.session, context.run, op.id, variant.name).size();
            const std::string label = fmt::format("{} / {}  ({})", op.name, variant.name, count);
            if (ImGui::Selectable(label.c_str(),
                                  op.id == state.op && variant.name == state.variant)) {
                state.op = op.id;
                state.variant = variant.name;
                state.chosen = true;
                state.scatter = {};
            }
        }
    ImGui::EndCombo();
}

// Choosing what the other one shows swaps the two.
void draw_field_chooser(const ViewContext &context, const char *label, TileField &field,
                        TileField &other) {
    ImGui::AlignTextToFramePadding();
    ui::text(label, context.theme.muted);
    ImGui::SameLine();
    ImGui::SetNextItemWidth(96 * context.scale);
    if (!ImGui::BeginCombo(fmt::format("##{}", label).c_str(), name_of(field)))
        return;
    for (const TileField each : kTileFields)
        if (ImGui::Selectable(name_of(each), each == field)) {
            if (each == other)
                other = field;
            field = each;
        }
    ImGui::EndCombo();
}

void draw_toolbar(const ViewContext &context, AutotuneState &state, const Tally &tally) {
    draw_chooser(context, state);
    ImGui::SameLine();
    if (ImGui::Button(tally.total() ? "Tune again" : "Tune"))
        context.tune({state.op, state.variant, {}});
    ui::explain(
        "Compiles every tile configuration for this run's workload, prunes by what the compiler "
        "reports and times the rest.");
    if (ImGui::GetContentRegionAvail().x >= 640 * context.scale)
        ImGui::SameLine(0, 20 * context.scale);
    draw_field_chooser(context, "rows", state.row, state.column);
    ImGui::SameLine();
    draw_field_chooser(context, "columns", state.column, state.row);
}

void draw_summary(const ViewContext &context, const Tally &tally) {
    if (tally.best.valid()) {
        const Candidate &best = context.session->candidates[tally.best.value];
        ui::heading(fmt::format("{} is best: {}", best.config.text(),
                                format_duration_ns(best.time.median)));
        ui::explain(context.theme, Evidence::Measured, explain(best, best.time.median));
        ImGui::SameLine();
    }
    std::string text = fmt::format("{} candidates: {} timed", tally.total(), tally.timed);
    if (tally.pruned)
        text += fmt::format(", {} pruned", tally.pruned);
    if (tally.failed)
        text += fmt::format(", {} failed", tally.failed);
    if (tally.waiting)
        text += fmt::format(", {} to go", tally.waiting);
    ui::text(text, context.theme.muted);
    ui::explain(context.theme, Evidence::Reported,
                "Tile configurations of this variant: timed, pruned by what the compiler reported, failed, or still to "
                "be done.");
}

void draw_scatter_choice(const ViewContext &context, AutotuneState &state) {
    ImGui::AlignTextToFramePadding();
    ui::text("time against", context.theme.muted);
    const char *names[] = {"shared memory", "registers"};
    for (int i = 0; i < 2; ++i) {
        ImGui::SameLine();
        if (ImGui::RadioButton(names[i], state.against_registers == (i == 1))) {
            state.against_registers = i == 1;
            state.scatter = {};
        }
    }
}

void draw_body(const ViewContext &context, AutotuneState &state,
               const std::vector<CandidateId> &candidates, const Tally &tally) {
    const float scale = context.scale, gap = 16 * scale;
    const ImVec2 room = ImGui::GetContentRegionAvail();
    const bool wide = room.x >= 860 * scale;
    const float left = wide ? (room.x - gap) * 0.52f : room.x;
    ImGui::BeginChild("left", {left, wide ? room.y : 0}, wide ? 0 : ImGuiChildFlags_AutoResizeY);
    const std::string tuned = fmt::format("{} / {}", info(state.op).name, state.variant);
    const auto data = [&] { return candidates_csv(*context.session, candidates); };
    {
        const PlotArea area(context, "autotune", "Tiles of " + tuned, data);
        draw_landscape(context, state, candidates, tally);
    }
    ImGui::Dummy({0, 4 * scale});
    if (tally.timed > 0) {
        draw_scatter_choice(context, state);
        const PlotArea area(context, "autotune-scatter", "Times of the tiles of " + tuned, data);
        draw_candidate_scatter(
            context, state, candidates, tally,
            {ImGui::GetContentRegionAvail().x,
             std::max(wide ? ImGui::GetContentRegionAvail().y : 0, 200 * scale)});
    }
    ImGui::EndChild();
    if (wide)
        ImGui::SameLine(0, gap);
    draw_candidate_table(context, state, candidates, tally,
                         {wide ? 0 : room.x,
                          wide ? room.y : std::max(260 * scale, ImGui::GetContentRegionAvail().y)});
}

bool draw_empty(const ViewContext &context, const AutotuneState &state) {
    const std::string button = fmt::format("Tune {} / {}", info(state.op).name, state.variant);
    return ui::empty_state(
        context.theme, "Not tuned yet",
        "Tune to compile every tile configuration for this workload, see which are "
        "pruned and why, and time the rest.",
        button.c_str());
}

} // namespace

void draw_autotune(const ViewContext &context, AutotuneState &state) {
    state.hovered = std::exchange(state.next_hovered, {});
    if (!context.run.valid() || context.run.value >= context.session->runs.size()) {
        if (ui::empty_state(context.theme, "Not tuned yet",
                            "Run a workload first; then its grouped operators can be tuned for it.",
                            "Run"))
            context.run_plan();
        return;
    }
    choose_default(context, state);
    const auto candidates = candidates_of(*context.session, context.run, state.op, state.variant);
    const Tally counts = tally(*context.session, candidates);
    draw_toolbar(context, state, counts);
    if (candidates.empty()) {
        if (draw_empty(context, state))
            context.tune({state.op, state.variant, {}});
        return;
    }
    draw_summary(context, counts);
    draw_body(context, state, candidates, counts);
}

} // namespace moescope
