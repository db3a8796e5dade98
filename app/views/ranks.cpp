#include "app/views/ranks.h"

#include "app/charts/colour_scale.h"
#include "app/charts/heat_map.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr std::array kStepNames = {"Dispatch", "Experts", "Combine"};
constexpr std::array kStepSlots = {0, 1, 2}; // of the theme's series
constexpr const char *kCommand = "torchrun --no-python --nproc-per-node 4 moescope ranks --model OLMoE-1B-7B --tokens 16384";
constexpr const char *kNothing = "–";

void refresh(const ViewContext &context, RanksState &state) {
    if (state.session == context.session && state.run == context.run)
        return;
    const Session &session = *context.session;
    state.session = context.session;
    state.run = context.run;
    state.ranks = ranks_of(session, context.run);
    state.traffic = rank_traffic(session, state.ranks);
    state.steps = rank_steps(session, state.ranks);
}

std::string transport_of(const DeviceInfo &device) {
    for (const DeviceInfo::Capability &each : device.capabilities)
        if (each.collector == "rank transport")
            return each.reason;
    return kNothing;
}

double largest_uncertainty(const Session &session, const std::vector<RunId> &ranks) {
    std::int64_t most = 0;
    for (const RunId run : ranks)
        most = std::max(most, session.runs[run.value].device.clock_uncertainty_ns);
    return double(most);
}

void draw_fact(const ViewContext &context, const std::string &value, const char *label, Evidence evidence,
               const std::string &explain, bool first = false) {
    if (!first)
        ui::flow(ui::text_width(value) * 1.1f + ui::text_width(label) + ImGui::GetFontSize() + 10 * context.scale,
                 20 * context.scale);
    ImGui::BeginGroup();
    ui::mark(context.theme, evidence);
    ImGui::SameLine(0, 4 * context.scale);
    ui::heading(value);
    ImGui::SameLine(0, 6 * context.scale);
    ui::text(label, context.theme.muted);
    ImGui::EndGroup();
    ui::explain(context.theme, evidence, explain);
}

void draw_facts(const ViewContext &context, const RanksState &state) {
    const Session &session = *context.session;
    const RunRecord &first = session.runs[state.ranks.front().value];
    const ModelShape &model = first.plan.workload.model;
    draw_fact(context, std::to_string(state.ranks.size()), "ranks", Evidence::Reported,
              fmt::format("{} tokens of {} in all; each rank has its share of them, and {} of the {} experts.",
                          first.plan.workload.tokens, model.name, model.experts / std::int32_t(state.ranks.size()),
                          model.experts),
              /*first=*/true);
    if (state.traffic)
        draw_fact(context, format_ratio(state.traffic->imbalance()), "imbalance", Evidence::Measured,
                  "The most rows that one rank's experts get, over the mean, counted in this run's routing: 1 is even. All wait for "
                  "the slowest.");
    draw_fact(context, transport_of(first.device), "", Evidence::Reported, "What carries the rows between the ranks' memories.");
    draw_fact(context, format_duration_ns(largest_uncertainty(session, state.ranks)), "clock uncertainty", Evidence::Estimated,
              "All times are on rank 0's clock. The offset of each other one is from 64 messages there and back, "
              "before and after the run: half of the quickest trip is all it can be wrong by, and half the drift.");
}

charts::HeatMap map_of(const RankTraffic &traffic) {
    charts::HeatMap map{.title = "", .row_title = "from \\ to", .column_title = "", .rows = {}, .columns = {}, .cells = {},
                         .explain = "The ranks of the run: who sends down, to whom across."};
    std::int64_t most = 1;
    for (std::int32_t from = 0; from < traffic.ranks; ++from)
        for (std::int32_t to = 0; to < traffic.ranks; ++to)
            most = std::max(most, from == to ? 0 : traffic.at(from, to));
    for (std::int32_t from = 0; from < traffic.ranks; ++from) {
        map.rows.push_back(fmt::format("rank {}", from));
        map.columns.push_back(fmt::format("{}", from));
        for (std::int32_t to = 0; to < traffic.ranks; ++to) {
            charts::HeatCell cell;
            cell.text = format_bytes(traffic.row_bytes * double(traffic.at(from, to)));
            cell.kind = from == to ? charts::HeatCell::Kind::Outlined : charts::HeatCell::Kind::Value;
            cell.t = float(traffic.at(from, to)) / float(most);
            map.cells.push_back(std::move(cell));
        }
    }
    return map;
}

void draw_matrix(const ViewContext &context, const RankTraffic &traffic) {
    ui::heading("Who sends whom how much");
    const float width = traffic.ranks <= 8 ? 72.0f : std::max(10.0f, 576.0f / float(traffic.ranks));
    const ImVec2 cell{width * context.scale, std::max(10.0f, std::min(28.0f, width)) * context.scale};
    const auto hovered = charts::draw_heat_map("traffic", map_of(traffic), cell, context.theme);
    if (hovered) {
        const auto from = std::int32_t(*hovered) / traffic.ranks, to = std::int32_t(*hovered) % traffic.ranks;
        const std::int64_t rows = traffic.at(from, to);
        ui::tooltip(context.theme, Evidence::Measured,
                    from == to ? fmt::format("{} rows stay on rank {}: they cross no link. Counted in this run's routing.", rows, from)
                               : fmt::format("Rank {} sends rank {} {} rows of {}: one for each of its tokens' choices of "
                                             "an expert there, counted in this run's routing. As much comes back in the combine.",
                                             from, to, rows, format_bytes(traffic.row_bytes)));
    }
    ui::small_wrapped(fmt::format("Dispatch; the combine is the same the other way round. {} a row, one a chosen expert.",
                                  format_bytes(traffic.row_bytes)),
                      context.theme.muted);
    ui::explain(context.theme, Evidence::Reported, "Counted from the run's routing and the width of a row.");
}

void draw_split_bar(const ViewContext &context, std::size_t rank, const RankSplit &split, double longest, float label,
                    float width) {
    const float height = ImGui::GetTextLineHeight() + 4 * context.scale;
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImDrawList &draw = *ImGui::GetWindowDrawList();
    draw.AddText({at.x, at.y + 2 * context.scale}, packed(context.theme.muted), fmt::format("rank {}", rank).c_str());
    const float from = at.x + label, per_ns = float((width - label) / longest);
    float left = from;
    if (split.total_ns() <= 0 && split.layer_ns <= 0) {
        draw.AddText({from, at.y + 2 * context.scale}, packed(context.theme.muted), "nothing measured");
        ImGui::Dummy({width, height + 4 * context.scale});
        return;
    }
    for (std::size_t step = 0; step < 3; ++step) {
        const float right = left + float(split.steps_ns[step]) * per_ns;
        const ImVec4 &colour = context.theme.series[std::size_t(kStepSlots[step])];
        draw.AddRectFilled({left, at.y}, {std::max(right - 1, left), at.y + height}, packed(colour));
        const std::string text = format_duration_ns(split.steps_ns[step]);
        if (ImGui::CalcTextSize(text.c_str()).x + 8 * context.scale <= right - left)
            draw.AddText({left + 4 * context.scale, at.y + 2 * context.scale}, packed(charts::text_on(colour)), text.c_str());
        left = right;
    }
    if (split.layer_ns > 0) {
        const float mark = from + float(split.layer_ns) * per_ns;
        draw.AddLine({mark, at.y - 2 * context.scale}, {mark, at.y + height + 2 * context.scale},
                     packed(context.theme.text), 2 * context.scale);
    }
    ImGui::Dummy({width, height + 4 * context.scale});
    ui::note_chart("split", ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
    ui::explain(context.theme, Evidence::Measured,
                fmt::format("Rank {}: dispatch {}, experts {}, combine {}: {} together, each the median of its own "
                            "repetitions. The line marks the layer measured whole: {}.",
                            rank, format_duration_ns(split.steps_ns[0]), format_duration_ns(split.steps_ns[1]),
                            format_duration_ns(split.steps_ns[2]), format_duration_ns(split.total_ns()),
                            split.layer_ns > 0 ? format_duration_ns(split.layer_ns) : "not measured"));
}

void draw_swatch(const ViewContext &context, const ImVec4 &colour) {
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight(), side = std::floor(line * 0.7f);
    const ImVec2 at = ImGui::GetCursorScreenPos(), low{at.x, std::floor(at.y + (line - side) / 2)};
    ImGui::GetWindowDrawList()->AddRectFilled(low, {low.x + side, low.y + side}, packed(colour), side * 0.2f);
    ImGui::Dummy({side, line});
    ImGui::SameLine(0, 4 * context.scale);
}

void draw_split(const ViewContext &context, const RanksState &state) {
    const auto splits = rank_splits(*context.session, state.steps, state.ranks.size());
    double longest = 0;
    for (const RankSplit &split : splits)
        longest = std::max({longest, split.total_ns(), split.layer_ns});
    ui::heading("Where each rank's time goes");
    if (longest <= 0)
        return ui::text("No step was measured on all ranks.", context.theme.muted);
    const float width = std::max(200 * context.scale, ImGui::GetContentRegionAvail().x - 4 * context.scale);
    const float label = ImGui::CalcTextSize("rank 000").x + 6 * context.scale;
    for (std::size_t rank = 0; rank < splits.size(); ++rank)
        draw_split_bar(context, rank, splits[rank], longest, label, width);
    for (std::size_t step = 0; step < 3; ++step) {
        draw_swatch(context, context.theme.series[std::size_t(kStepSlots[step])]);
        ui::small(kStepNames[step], context.theme.muted);
        ImGui::SameLine(0, 12 * context.scale);
    }
    ui::small("line: the layer measured whole", context.theme.muted);
}

struct Column {
    const char *title, *explain;
    Evidence evidence = Evidence::Reported;
    bool words = false; // else numbers, at the right
};
constexpr Column kColumns[] = {
    {"Operator", "What all ranks run together, in step.", Evidence::Reported, true},
    {"Variant", "", Evidence::Reported, true},
    {"Slowest rank", "The median of the rank that takes longest.", Evidence::Measured},
    {"Fastest", "The median of the rank that takes least.", Evidence::Measured},
    {"Exchange", "The exchange of rows alone, by CUPTI: a rank's kernel also waits for those that come late, so it is the "
                 "quickest rank's, repetition by repetition; the median of those.", Evidence::Measured},
    {"Algorithm", "The bytes a rank sends on average, those to itself too, over the exchange's time (over the slowest "
                  "rank's whole time where no kernels were captured).", Evidence::Estimated},
    {"Bus", "The bytes of the busiest rank's link, in its busier direction, over the same time. With even counts: "
            "algorithm × (n − 1) / n, as nccl-tests defines it for all-to-all.", Evidence::Estimated},
    {"Of the link", "The bus bandwidth over the signalling rate of all of a GPU's NVLinks in one direction, as NVML "
                    "tells it.", Evidence::Estimated},
    {"Agreement", "The farthest of the ranks' relative distances from one device's layer over the same tokens.", Evidence::Measured},
};

constexpr std::size_t kWords = 2; // of kColumns, before the numbers

// What stands under kColumns' numbers; nothing where there is none.
std::vector<std::string> numbers_of(const RankStep &step, double link) {
    const auto bandwidth = [](double value) { return value > 0 ? format_bandwidth(value) : std::string(); };
    return {format_duration_ns(step.slowest_ns),
            format_duration_ns(step.fastest_ns),
            step.exchange_alone ? format_duration_ns(step.exchange_ns) : "",
            bandwidth(step.algorithm_bytes_per_second),
            bandwidth(step.bus_bytes_per_second),
            link > 0 && step.bus_bytes_per_second > 0 ? fmt::format("{:.0f} %", 100 * step.bus_bytes_per_second / link) : "",
            step.worst_error < 0 ? "" : step.worst_error == 0 ? "exact" : fmt::format("{:.1e}", step.worst_error)};
}

void draw_step_row(const ViewContext &context, const RankStep &step, const std::vector<std::string> &numbers,
                   const std::vector<bool> &shown) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ui::text(info(step.op).title);
    ui::explain(info(step.op).explain);
    ImGui::TableNextColumn();
    const VariantInfo *variant = find_variant(step.op, step.variant);
    ui::text(variant ? variant->title : step.variant, context.theme.muted);
    if (variant)
        ui::explain(variant->explain);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (!shown[kWords + i])
            continue;
        ImGui::TableNextColumn();
        const Column &column = kColumns[kWords + i];
        ui::number(context.theme, {numbers[i].empty() ? kNothing : numbers[i], column.evidence, column.explain},
                   numbers[i] == "exact" ? context.theme.good : context.theme.text);
    }
}

void draw_steps(const ViewContext &context, const RanksState &state) {
    const double link = context.session->runs[state.ranks.front().value].device.link_bytes_per_second;
    const ui::FontScope font(ui::small_font());
    std::vector<std::vector<std::string>> rows;
    std::vector<bool> shown(std::size(kColumns), false); // a column that no row fills takes room from those that one does
    std::fill_n(shown.begin(), kWords, true);
    for (const RankStep &step : state.steps) {
        rows.push_back(numbers_of(step, link));
        for (std::size_t i = 0; i < rows.back().size(); ++i)
            shown[kWords + i] = shown[kWords + i] || !rows.back()[i].empty();
    }
    constexpr auto kFlags = ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_ScrollX | ImGuiTableFlags_RowBg;
    const float height = (float(state.steps.size()) + 1.6f) * ImGui::GetTextLineHeightWithSpacing() +
                         ImGui::GetStyle().ScrollbarSize;
    if (!ImGui::BeginTable("steps", int(std::ranges::count(shown, true)), kFlags, {0, height}))
        return;
    const float least = ImGui::CalcTextSize("100 GB/s").x;
    for (std::size_t i = 0; i < std::size(kColumns); ++i)
        if (const Column &column = kColumns[i]; shown[i])
            ImGui::TableSetupColumn(column.title, column.words ? 0 : ImGuiTableColumnFlags_WidthFixed,
                                    column.words ? 0 : std::max(least, ImGui::CalcTextSize(column.title).x));
    ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
    for (std::size_t i = 0; i < std::size(kColumns); ++i) {
        const Column &column = kColumns[i];
        if (!shown[i])
            continue;
        ImGui::TableNextColumn();
        column.words ? ui::text(column.title, context.theme.muted) : ui::right_aligned(column.title, context.theme.muted);
        if (*column.explain)
            ui::explain(column.explain);
    }
    for (std::size_t i = 0; i < rows.size(); ++i)
        draw_step_row(context, state.steps[i], rows[i], shown);
    ImGui::EndTable();
}

} // namespace

std::vector<RankSplit> rank_splits(const Session &session, const std::vector<RankStep> &steps, std::size_t ranks) {
    std::vector<RankSplit> splits(ranks);
    for (const RankStep &step : steps)
        for (std::size_t rank = 0; rank < ranks && rank < step.measurements.size(); ++rank) {
            if (!step.measurements[rank].valid())
                continue;
            const double time = session.measurements[step.measurements[rank].value].time.median;
            if (step.op == OperatorId::EpDispatch && step.variant == "counts_first")
                splits[rank].steps_ns[0] = time;
            else if (step.op == OperatorId::EpExperts && step.variant == "base")
                splits[rank].steps_ns[1] = time;
            else if (step.op == OperatorId::EpCombine)
                splits[rank].steps_ns[2] = time;
            else if (step.op == OperatorId::EpLayer && step.variant == "counts_first")
                splits[rank].layer_ns = time;
        }
    return splits;
}

void draw_ranks(const ViewContext &context, RanksState &state) {
    refresh(context, state);
    if (state.ranks.empty()) {
        ui::empty_state(context.theme, "No run of several GPUs",
                        fmt::format("Your own launcher starts one rank a GPU, as in\n{}\nThen open the session that rank 0 "
                                    "wrote. Without a GPU the ranks run on the CPU.",
                                    kCommand),
                        {{"Copy the command", [&] { context.copy_text(kCommand); }},
                         {"Show a recording", context.recording(ViewId::Ranks)}});
        return;
    }
    draw_facts(context, state);
    for (const std::string &lost : lost_ranks(*context.session, state.ranks))
        ui::text(fmt::format("Lost: {}. What the others measured is shown.", lost), context.theme.failure);
    ImGui::Dummy({0, 4 * context.scale});
    if (state.traffic)
        draw_matrix(context, *state.traffic);
    ImGui::Dummy({0, 8 * context.scale});
    draw_split(context, state);
    ImGui::Dummy({0, 8 * context.scale});
    draw_steps(context, state);
}

} // namespace moescope
