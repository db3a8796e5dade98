#include "app/views/memory.h"

#include "app/views/memory_parts.h"
#include "app/views/number.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

void refresh(const ViewContext &context, MemoryState &state) {
    const Session &session = *context.session;
    state.kernels.update(session);
    if (state.session == context.session && state.run == context.run &&
        state.known_grouping == state.grouping)
        return;
    if (state.run != context.run)
        state.chosen_ns.reset();
    state.session = context.session;
    state.run = context.run;
    state.known_grouping = state.grouping;
    state.history = memory_history(session, context.run, state.grouping);
    state.known_step.reset();
    state.variants.reset();
    state.selected = {};
}

// The step the table shows; what is live at it is found out once.
std::size_t shown_step(const ViewContext &context, MemoryState &state) {
    const std::size_t step =
        state.chosen_ns ? state.history.at(*state.chosen_ns) : state.history.peak;
    if (state.known_step != step) {
        state.known_step = step;
        const std::int64_t time = state.history.steps[step].time_ns;
        state.blocks = live_blocks(*context.session, context.run, time);
        state.fragmentation = fragmentation(*context.session, context.run, time);
    }
    return step;
}

void draw_head(const ViewContext &context, MemoryState &state) {
    const DeviceInfo &device = context.session->runs[context.run.value].device;
    const MemoryHistory &history = state.history;
    const auto &peak = history.steps[history.peak];
    std::string words = fmt::format("Peak {}, {} after the start", format_bytes(double(peak.total)),
                                    format_duration_ns(double(peak.time_ns - history.start_ns)));
    if (device.memory_bytes > 0)
        words += fmt::format(" · {:.2g} % of the device's {}",
                             100 * double(peak.total) / double(device.memory_bytes),
                             format_bytes(double(device.memory_bytes)));
    ui::wrapped(words, context.theme.text);
    ui::explain(context.theme, Evidence::Measured,
                "By the worker's ledger of every allocation and free, one run. What was allocated before "
                "the run (the buffer that flushes the L2, the CUDA context) is not in it.");
    ui::flow(ui::badge_size(name_of(Evidence::Measured)).x, ImGui::GetStyle().ItemSpacing.x);
    ui::badge(context.theme, Evidence::Measured);
    const ui::FontScope font(ui::small_font());
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, ImVec2(std::round(4 * context.scale), 1));
    ImGui::AlignTextToFramePadding();
    ui::text("Group by", context.theme.muted);
    const std::pair<const char *, MemoryGrouping> choices[] = {
        {"Label", MemoryGrouping::Label},
        {"Operator", MemoryGrouping::Operator},
        {"Purpose", MemoryGrouping::Purpose}};
    for (const auto &[name, grouping] : choices) {
        ImGui::SameLine();
        if (ImGui::RadioButton(name, state.grouping == grouping)) {
            state.grouping = grouping;
            state.plot.hidden.clear();
        }
    }
    ImGui::PopStyleVar();
}

void draw_legend(const ViewContext &context, MemoryState &state, std::size_t step) {
    std::vector<charts::LegendEntry> entries;
    for (std::size_t group = 0; group < state.history.groups.size(); ++group)
        entries.push_back({state.history.groups[group],
                           group_colour(context.theme, state.history, group),
                           fmt::format("{} at the moment shown, by the ledger.",
                                       format_bytes(double(state.history.of(step, group))))});
    charts::legend(entries, state.plot, context.theme);
}

void draw_block(const ViewContext &context, const MemoryState &state, const LiveBlock &block,
                double total) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    const std::string_view label = context.session->name(block.label);
    ui::text(
        ui::fitted(label.empty() ? "without a label" : label, ImGui::GetContentRegionAvail().x));
    const std::string since =
        fmt::format("at 0x{:x}, since {} after the start.", block.address,
                    format_duration_ns(double(block.since_ns - state.history.start_ns)));
    ui::explain(label.empty() ? "Seen by CUPTI, not made by the worker: a library's own, " + since
                              : fmt::format("{}, {}", label, since));
    ImGui::TableNextColumn();
    ui::text(ui::fitted(block.operator_name.empty() ? "–" : block.operator_name,
                        ImGui::GetContentRegionAvail().x),
             context.theme.muted);
    ui::explain(fmt::format("{}: the operator it was made for, named by the label, or the one "
                            "measured next.",
                            block.operator_name.empty() ? "Not known" : block.operator_name));
    ImGui::TableNextColumn();
    ui::number(context.theme, {format_bytes(double(block.bytes)), Evidence::Measured,
                               fmt::format("The size of one allocation as asked for, by the ledger: {} bytes.",
                                           format_count(double(block.bytes)))});
    ImGui::TableNextColumn();
    ui::number(context.theme,
               {fmt::format("{:.1f} %", 100 * double(block.bytes) / std::max(1.0, total)), Evidence::Measured,
                fmt::format("Of the {} held at this moment, by the ledger.", format_bytes(total))},
               context.theme.muted);
}

void draw_blocks(const ViewContext &context, MemoryState &state, std::size_t step) {
    const auto &at = state.history.steps[step];
    ui::heading(state.chosen_ns
                    ? fmt::format("Held {} after the start",
                                  format_duration_ns(double(at.time_ns - state.history.start_ns)))
                    : std::string("Held at the peak"));
    ui::explain(context.theme, Evidence::Measured,
                fmt::format("What the ledger held then: {}. Click the chart for another moment.",
                            format_bytes(double(at.total))));
    if (state.chosen_ns) {
        ImGui::SameLine();
        if (ImGui::SmallButton("Back to the peak"))
            state.chosen_ns.reset();
    }
    const ui::FontScope font(ui::small_font());
    if (!ImGui::BeginTable("blocks", 4, ImGuiTableFlags_SizingStretchProp | ImGuiTableFlags_RowBg))
        return;
    const float weights[] = {2.2f, 1.8f, 1, 0.8f};
    const char *headers[] = {"Allocation", "For", "Bytes", "Share"};
    const char *meanings[] = {"What the worker allocated it for.", "The operator that needed it.",
                              "Its size as asked for.", "Of all that is held at this moment."};
    for (int i = 0; i < 4; ++i)
        ImGui::TableSetupColumn(headers[i], ImGuiTableColumnFlags_WidthStretch, weights[i]);
    ImGui::TableNextRow();
    for (int i = 0; i < 4; ++i) {
        ImGui::TableNextColumn();
        i < 2 ? ui::text(headers[i], context.theme.muted)
              : ui::right_aligned(headers[i], context.theme.muted);
        ui::explain(meanings[i]);
    }
    for (const LiveBlock &block : state.blocks)
        draw_block(context, state, block, double(at.total));
    ImGui::EndTable();
}

void draw_fragmentation(const ViewContext &context, const MemoryState &state) {
    const Fragmentation &f = state.fragmentation;
    ui::heading("Fragmentation");
    ImGui::SameLine();
    ui::badge(context.theme, Evidence::Estimated);
    ui::wrapped(
        f.free == 0
            ? std::string("Every address used so far is still in use.")
            : fmt::format("{} of addresses used before are free at this moment, in {} {}; the "
                          "largest is {} ({:.0f} % scattered).",
                          format_bytes(double(f.free)), f.pieces,
                          f.pieces == 1 ? "piece" : "pieces", format_bytes(double(f.largest_free)),
                          f.scattered() * 100),
        context.theme.text);
    ui::explain(context.theme, Evidence::Estimated,
                "From the addresses in the ledger. The worker gives memory back at once, so this "
                "costs the run nothing; a caching pool that keeps its addresses, as PyTorch's "
                "does, would hold them in reserve, and an allocation larger than the largest piece "
                "would not fit in it. The ledger does not see how a pool would have placed them.");
}

void draw_below(const ViewContext &context, MemoryState &state, std::size_t step) {
    const float gap = std::round(24 * context.scale), room = ImGui::GetContentRegionAvail().x;
    const bool beside = room > 640 * context.scale;
    const float left = beside ? std::floor((room - gap) * 0.52f) : room;
    ImGui::BeginGroup();
    ImGui::BeginChild("blocks", {left, beside ? 0.0f : std::round(220 * context.scale)});
    draw_blocks(context, state, step);
    ImGui::EndChild();
    ImGui::EndGroup();
    if (beside)
        ImGui::SameLine(0, gap);
    ImGui::BeginChild("variants", {0, 0});
    draw_fragmentation(context, state);
    ImGui::Dummy({0, std::round(8 * context.scale)});
    draw_memory_variants(context, state);
    ImGui::EndChild();
}

} // namespace

void draw_memory(const ViewContext &context, MemoryState &state) {
    const Session &session = *context.session;
    if (context.run.valid() && context.run.value < session.runs.size())
        refresh(context, state);
    else
        state.history = {};
    if (state.history.empty()) {
        ui::empty_state(context.theme, "No allocation yet",
                        "A run records every allocation and free of the device's memory: what "
                        "holds how much, when, and what makes up the peak.",
                        {{"Run", context.run_plan}, {"Show a recording", context.recording(ViewId::Memory)}});
        return;
    }
    const std::size_t step = shown_step(context, state);
    draw_head(context, state);
    const ImVec2 room = ImGui::GetContentRegionAvail();
    const float height = std::max(180 * context.scale, std::floor(room.y * 0.46f));
    {
        const PlotArea area(context, "memory", "Device memory over time",
                            [&] { return memory_csv(session, state.history); });
        draw_memory_chart(context, state, step, {room.x, height});
        draw_legend(context, state, step);
    }
    ImGui::Dummy({0, std::round(8 * context.scale)});
    draw_below(context, state, step);
}

} // namespace moescope
