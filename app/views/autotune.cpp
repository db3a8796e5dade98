#include "app/views/autotune.h"

#include "app/views/autotune_parts.h"
#include "app/views/number.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

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
    const TuneTarget &target = context.tune_target;
    ImGui::BeginDisabled(!target.refused.empty());
    if (ImGui::Button(tally.total() ? "Tune again" : "Tune"))
        context.tune({state.op, state.variant, {}});
    ImGui::EndDisabled();
    ui::explain(!target.refused.empty() ? target.refused
                                        : fmt::format("Compiles every tile configuration for {}, prunes by what the compiler "
                                                      "reports and times the rest.",
                                                      target.words));
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
    }
    std::string text = fmt::format("{} candidates: {} timed", tally.total(), tally.timed);
    if (tally.pruned)
        text += fmt::format(", {} pruned", tally.pruned);
    if (tally.failed)
        text += fmt::format(", {} failed", tally.failed);
    if (tally.waiting)
        text += fmt::format(", {} to go", tally.waiting);
    const float left = ImGui::GetItemRectMax().x + ImGui::GetStyle().ItemSpacing.x;
    const float right = ImGui::GetCursorScreenPos().x + ImGui::GetContentRegionAvail().x;
    if (tally.best.valid() && left + ImGui::CalcTextSize(text.c_str()).x <= right)
        ImGui::SameLine();
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
    const bool wide = room.x >= 780 * scale;
    const float table = std::min(candidate_table_width(*context.session, candidates), (room.x - gap) * 0.55f);
    const float left = wide ? room.x - gap - table : room.x;
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

// Whether the run was to tune what is shown.
bool was_asked_for(const RunRecord &run, const AutotuneState &state) {
    return std::ranges::any_of(run.plan.tune, [&](const PlanItem &item) {
        return item.op == state.op && item.variant == state.variant;
    });
}

// What became of the tuning that this run was asked for, without a tile; "" where it was not.
std::string outcome_of(const RunRecord &run, const AutotuneState &state) {
    if (!was_asked_for(run, state))
        return {};
    if (run.device.is_cpu())
        return "The run that is shown was to tune it on the CPU, whose references have no tiles.";
    switch (run.state) {
    case RunRecord::State::Running:
        return "Its tiles come in here as they are compiled and timed.";
    case RunRecord::State::Cancelled:
        return "The tuning was stopped before its first tile.";
    case RunRecord::State::Failed:
        return "The tuning failed before its first tile: the problems at the bottom right say why.";
    case RunRecord::State::Done:
        break;
    }
    return "The tuning ended without a tile.";
}

void draw_empty(const ViewContext &context, const AutotuneState &state) {
    const RunRecord &run = context.session->runs[context.run.value];
    const TuneTarget &target = context.tune_target;
    const std::string outcome = outcome_of(run, state);
    if (!outcome.empty() && run.state == RunRecord::State::Running) {
        ui::empty_state(context.theme, "Being tuned", outcome);
        return;
    }
    const bool can = target.refused.empty();
    std::string words = outcome.empty() ? "" : outcome + "\n\n";
    words += can ? fmt::format("Tune to compile every tile configuration for {}, see which are pruned and why, and time the rest.",
                               target.words)
                 : target.refused;
    const std::string tune = fmt::format("Tune {} / {}", info(state.op).name, state.variant);
    const auto start = [&] { context.tune({state.op, state.variant, {}}); };
    ui::empty_state(context.theme, outcome.empty() ? "Not tuned yet" : "No tiles", words,
                    {{tune.c_str(), can ? std::function<void()>(start) : nullptr},
                     {"Show a recorded landscape", can ? nullptr : context.recording(ViewId::Autotune)}});
}

} // namespace

void draw_autotune(const ViewContext &context, AutotuneState &state) {
    state.hovered = std::exchange(state.next_hovered, {});
    if (!context.run.valid() || context.run.value >= context.session->runs.size()) {
        if (context.on_cpu)
            ui::empty_state(context.theme, "Not tuned yet",
                            "On a CUDA device the tiles of the grouped operators are compiled and timed, each with its fate. "
                            "The cpu device has no tiles.",
                            {{"Show a recorded landscape", context.recording(ViewId::Autotune)}});
        else
            ui::empty_state(context.theme, "Not tuned yet",
                            "Run a workload first; then its grouped operators can be tuned for it.",
                            {{"Run", context.run_plan}, {"Show a recorded landscape", context.recording(ViewId::Autotune)}});
        return;
    }
    choose_default(context, state);
    const auto candidates = candidates_of(*context.session, context.run, state.op, state.variant);
    const Tally counts = tally(*context.session, candidates);
    draw_toolbar(context, state, counts);
    if (candidates.empty()) {
        return draw_empty(context, state);
    }
    draw_summary(context, counts);
    draw_body(context, state, candidates, counts);
}

} // namespace moescope
