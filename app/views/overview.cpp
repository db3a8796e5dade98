#include "app/views/overview.h"

#include "app/colour.h"
#include "app/views/measurement_text.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"
#include "profiler/session/record_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace moescope {

namespace {

struct ColumnInfo {
    OverviewColumn column;
    const char *title;
    float width; // at 1x; 0: takes what is left
    const char *explain;
    std::optional<Evidence> evidence = {}; // of its numbers
};
constexpr ColumnInfo kColumns[] = {
    {OverviewColumn::Variant, "Variant", 0,
     "What was run: an operator's variant, and the tile it ran with."},
    {OverviewColumn::Time, "Median", 66, "Median time of one repetition.", Evidence::Measured},
    {OverviewColumn::Spread, "± 95 %", 66,
     "Half the median's 95 % confidence interval, as a share of the median; how many samples there are where they are too "
     "few for one.", Evidence::Measured},
    {OverviewColumn::Distribution, "Samples", 80,
     "Histogram of the samples, from the fastest to the slowest.", Evidence::Measured},
    {OverviewColumn::Bandwidth, "Memory rate", 80,
     "Least bytes the operator must move, over the median.", Evidence::Estimated},
    {OverviewColumn::Flops, "Compute rate", 92,
     "Operations the operator must do, over the median.", Evidence::Estimated},
    {OverviewColumn::Floor, "Floor", 66,
     "The least time the device's ceilings allow for this work.", Evidence::Modelled},
    {OverviewColumn::TimesFloor, "× floor", 116,
     "How many times the floor the median is: 1× is the limit.", Evidence::Estimated},
    {OverviewColumn::Memory, "Memory", 66, "Device memory above the baseline, at its peak.", Evidence::Measured},
    {OverviewColumn::Agreement, "Error", 68,
     "Relative difference from the reference result on the same inputs.", Evidence::Measured},
    {OverviewColumn::Timer, "Timer", 100,
     "The clock that timed it, and the state of the L2 cache."},
};

// Bars longer than this many times the floor are cut, with a mark.
constexpr double kLongestBar = 8;

class Overview {
  public:
    Overview(ViewContext &context, OverviewState &state)
        : context_(context), theme_(context.theme), session_(*context.session), state_(state) {}

    void draw();

  private:
    float px(float at_1x) const { return std::round(at_1x * context_.scale); }
    const Measurement &measurement(MeasurementId id) const {
        return session_.measurements[id.value];
    }
    bool marked(MeasurementId id) const {
        return id.valid() &&
               (id == context_.selection.measurement || id == context_.selection.hovered);
    }
    void point_at(MeasurementId id, std::string_view words);

    void draw_head();
    void draw_share_bar();
    void draw_segment(MeasurementId id, ImVec2 from, ImVec2 to, double share);
    void draw_table();
    void read_sorting();
    void draw_group(OperatorId op);
    void draw_row(MeasurementId id);
    std::string name_in_table(const Measurement &m) const;
    float widest_name() const; // with its tile
    void draw_name(MeasurementId id, const Measurement &m);
    void draw_numbers(const Measurement &m);
    void draw_distribution(const Measurement &m);
    void draw_floor_bar(const Measurement &m);
    void draw_timer(const Measurement &m);
    void draw_state_sentence(const Measurement &m);
    void number(OverviewColumn column, const ui::Number &number, bool doubtful = false);

    ViewContext &context_;
    const Theme &theme_;
    const Session &session_;
    OverviewState &state_;
    float widest_ = 0; // widest_name() of this frame
};

void Overview::point_at(MeasurementId id, std::string_view words) {
    context_.selection.next_hovered = id;
    ui::tooltip(theme_, Evidence::Measured, words);
}

std::string workload_line(const RunRecord &run) {
    const Workload &w = run.plan.workload;
    const ModelShape &m = w.model;
    std::string text = fmt::format("{}  ·  T {}  ·  E {}  ·  H {}  ·  I {}  ·  top-k {}  ·  ",
                                   m.name, format_count(double(w.tokens)), m.experts,
                                   format_count(m.hidden), format_count(m.intermediate), m.top_k);
    text += w.lora_rank > 0 ? fmt::format("R {}  ·  ", w.lora_rank) : "no LoRA  ·  ";
    return text + fmt::format("{}  ·  {}  ·  seed {}", w.skew.text(), name_of(m.dtype), w.seed);
}

void Overview::draw_head() {
    const RunRecord &run = session_.runs[context_.run.value];
    {
        const ui::FontScope small(ui::small_font());
        ui::text(ui::fitted(workload_line(run), ImGui::GetContentRegionAvail().x), theme_.muted);
    }
    ui::explain(fmt::format("The workload of run {} of {}.\n{}\nDevice: {} ({}).",
                            context_.run.value + 1, session_.runs.size(), workload_line(run),
                            run.device.name, run.device.id));
}

void Overview::draw_segment(MeasurementId id, ImVec2 from, ImVec2 to, double share) {
    const Measurement &m = measurement(id);
    const ImVec4 colour = variant_colour(theme_, m.op, m.variant);
    auto *draw = ImGui::GetWindowDrawList();
    const bool other_marked = context_.selection.hovered.valid() && !marked(id);
    const ImVec4 ground = mix(theme_.background, colour, other_marked ? 0.45f : 0.85f);
    draw->AddRectFilled(from, to, packed(ground), px(2));
    ImGui::SetCursorScreenPos(from);
    ImGui::PushID(int(id.value));
    if (ImGui::InvisibleButton("segment", {std::max(1.0f, to.x - from.x), to.y - from.y}))
        context_.selection.measurement = id;
    ImGui::PopID();
    if (ImGui::IsItemHovered())
        point_at(id, fmt::format("{}: {}, {:.1f} % of the sum.\n{}", title_of(m),
                                 format_duration_ns(m.time.median), share * 100, explain_time(m)));
    const float pad = px(4), room = to.x - from.x - 2 * pad;
    const ui::FontScope small(ui::small_font());
    const std::string time = format_duration_ns(m.time.median);
    if (ui::text_width(time) > room) // a number is whole, or not there
        return;
    const ImU32 ink = packed(text_on(ground));
    const float line = ImGui::GetTextLineHeight(), top = std::round((from.y + to.y) / 2 - line);
    draw->AddText({from.x + pad, top}, ink, ui::fitted(info(m.op).title, room).c_str());
    draw->AddText({from.x + pad, top + line}, ink, time.c_str());
}

// One bar: the fastest variant of each operator, as long as its share of their sum.
void Overview::draw_share_bar() {
    const auto ids = fastest_variants(session_, context_.run);
    double sum = 0;
    for (const MeasurementId id : ids)
        sum += measurement(id).time.median;
    if (sum <= 0)
        return;
    const float width = ImGui::GetContentRegionAvail().x, height = px(40), gap = px(2);
    const ImVec2 start = ImGui::GetCursorScreenPos();
    const float usable = width - gap * float(ids.size() - 1);
    float x = start.x;
    for (const MeasurementId id : ids) {
        const double share = measurement(id).time.median / sum;
        const float length = std::max(px(2), float(share) * usable);
        draw_segment(id, {std::round(x), start.y},
                     {std::round(std::min(x + length, start.x + width)), start.y + height}, share);
        x += length + gap;
    }
    ui::note_chart("share", start, {start.x + width, start.y + height});
    ImGui::SetCursorScreenPos({start.x, start.y + height + px(4)});
    const bool lora = session_.runs[context_.run.value].plan.workload.lora_rank > 0;
    ui::small_wrapped(fmt::format("{} in all: each operator's fastest variant{}, side by side", format_duration_ns(sum),
                                  lora ? " with LoRA" : ""),
                      theme_.muted);
    ui::explain(theme_, Evidence::Estimated,
                "The sum of the medians. Each block is as long as the operator's share of it. The router contains a "
                "routing of its own, "
                "so the sum is no layer's time; it shows which operator is worth looking at. A variant that leaves out the "
                "LoRA part does less work, and stands here only where no other was measured.");
}

void Overview::read_sorting() {
    ImGuiTableSortSpecs *specs = ImGui::TableGetSortSpecs();
    if (!specs || !specs->SpecsDirty || specs->SpecsCount == 0)
        return;
    state_.order.column = OverviewColumn(specs->Specs[0].ColumnUserID);
    state_.order.descending = specs->Specs[0].SortDirection == ImGuiSortDirection_Descending;
    specs->SpecsDirty = false;
}

bool right_aligned_column(OverviewColumn column) {
    return column != OverviewColumn::Variant && column != OverviewColumn::Distribution &&
           column != OverviewColumn::Timer && column != OverviewColumn::TimesFloor;
}

// Titles are drawn over empty headers: ImGui would cut them to make room for the sorting arrow.
void draw_header_row(const Theme &theme) {
    ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
    const ui::FontScope small(ui::small_font());
    for (const ColumnInfo &column : kColumns) {
        if (!ImGui::TableSetColumnIndex(int(column.column)))
            continue;
        const ImVec2 at = ImGui::GetCursorScreenPos();
        const float slack = ImGui::GetContentRegionAvail().x - ImGui::CalcTextSize(column.title).x;
        const bool right = right_aligned_column(column.column);
        const bool sorted = (ImGui::TableGetColumnFlags() & ImGuiTableColumnFlags_IsSorted) != 0;
        ImGui::PushID(int(column.column));
        ImGui::PushStyleColor(ImGuiCol_Text, ImVec4(0, 0, 0, 0)); // hides ImGui's arrow
        ImGui::TableHeader("##header");
        ImGui::PopStyleColor();
        const std::string words = fmt::format("{}\n\nClick to sort.", column.explain);
        if (column.evidence)
            ui::explain(theme, *column.evidence, words);
        else
            ui::explain(words);
        ImGui::PopID();
        auto *draw = ImGui::GetWindowDrawList();
        const float x = std::floor(at.x + (right ? std::max(0.0f, slack) : 0.0f));
        draw->AddText({x, at.y}, packed(sorted ? theme.accent : theme.muted), column.title);
        const float line = ImGui::GetTextLineHeight(), radius = std::round(line * 0.2f);
        const float beside = right ? x - line * 0.5f : x + ImGui::CalcTextSize(column.title).x + line * 0.5f;
        if (column.evidence && beside - radius >= at.x - line * 0.6f)
            ui::draw_mark(*draw, {beside, at.y + line * 0.55f}, radius, packed(ui::colour_of(theme, *column.evidence)),
                          *column.evidence);
    }
}

// Across the columns, but not beyond the table's top and bottom.
void push_clip_over_columns(ImVec2 from, ImVec2 to) {
    auto *draw = ImGui::GetWindowDrawList();
    const ImVec2 low = draw->GetClipRectMin(), high = draw->GetClipRectMax();
    draw->PushClipRect({from.x, std::clamp(from.y, low.y, high.y)}, {to.x, std::clamp(to.y, low.y, high.y)}, false);
}

void Overview::draw_group(OperatorId op) {
    ImGui::TableNextRow();
    ImGui::TableSetColumnIndex(0);
    const ui::FontScope bold(ui::bold_font());
    // Over the whole row: an operator's title may be wider than the column.
    const float line = ImGui::GetTextLineHeight();
    const ImVec2 at = ImGui::GetCursorScreenPos(), from{at.x, at.y + px(6)};
    const ImVec2 to{ImGui::GetWindowPos().x + ImGui::GetWindowWidth(), from.y + line};
    auto *draw = ImGui::GetWindowDrawList();
    const std::string_view title = info(op).title;
    push_clip_over_columns(from, to);
    draw->AddText(from, packed(theme_.text), title.data(), title.data() + title.size());
    draw->PopClipRect();
    ImGui::Dummy({0, line + px(6)});
    if (ImGui::IsMouseHoveringRect(
            from,
            {from.x + ImGui::CalcTextSize(title.data(), title.data() + title.size()).x, to.y}) &&
        ImGui::IsWindowHovered())
        ui::tooltip(info(op).explain);
}

std::string tile_of(const Measurement &m) {
    return m.config.is_default() || m.state != Measurement::State::Done ? "" : m.config.text();
}

std::string Overview::name_in_table(const Measurement &m) const {
    const std::string full = title_of(m);
    return state_.order.grouped ? full.substr(full.find(" · ") + std::string(" · ").size()) : full;
}

// All tiles are shown or none: some of them would look as if the others had none.
float Overview::widest_name() const {
    float widest = 0;
    for (const MeasurementId id : overview_rows(session_, context_.run, state_.order)) {
        const std::string name = name_in_table(measurement(id)), tile = tile_of(measurement(id));
        const float width = ImGui::CalcTextSize(name.c_str()).x;
        const ui::FontScope small(ui::small_font());
        if (!tile.empty())
            widest = std::max(widest, width + ImGui::CalcTextSize(tile.c_str()).x);
    }
    return widest + px(state_.order.grouped ? 8.0f : 0.0f) + px(10) + 2 * px(8);
}

void Overview::draw_name(MeasurementId id, const Measurement &m) {
    ImGui::TableSetColumnIndex(int(OverviewColumn::Variant));
    const bool tile_fits = widest_ <= ImGui::GetContentRegionAvail().x;
    const bool selected = id == context_.selection.measurement;
    if (ImGui::Selectable("##row", selected,
                          ImGuiSelectableFlags_SpanAllColumns |
                              ImGuiSelectableFlags_AllowDoubleClick |
                              ImGuiSelectableFlags_AllowOverlap)) {
        context_.selection.measurement = id;
        if (ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left))
            context_.show(ViewId::Timeline);
    }
    if (ImGui::IsItemHovered())
        context_.selection.next_hovered = id;
    if (!selected && id == context_.selection.hovered)
        ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg1, packed(theme_.accent, 0.10f));
    ImGui::SameLine(0, 0);
    const float side = px(10), line = ImGui::GetTextLineHeight(),
                indent = state_.order.grouped ? px(8) : 0;
    ImVec2 at = ImGui::GetCursorScreenPos();
    at.x += indent;
    const float top = std::round(at.y + (line - side) / 2);
    ImGui::GetWindowDrawList()->AddRectFilled({at.x, top}, {at.x + side, top + side},
                                              packed(variant_colour(theme_, m.op, m.variant)),
                                              px(2));
    ImGui::Dummy({indent + side, line});
    ImGui::SameLine(0, px(8));
    ui::text(ui::fitted(name_in_table(m), ImGui::GetContentRegionAvail().x));
    const std::string tile = tile_of(m);
    if (tile.empty())
        return;
    const std::string words = fmt::format("The tile it ran with: {} (block M×N×K, warps, stages){}.", tile,
                                          m.tuned.empty() ? ", the library's default" : ", found by the tuner");
    ui::explain(words);
    if (!tile_fits)
        return;
    ImGui::SameLine(0, px(8));
    const float lift = ImGui::GetTextLineHeight();
    const ui::FontScope small(ui::small_font());
    ImGui::SetCursorPosY(ImGui::GetCursorPosY() + std::round((lift - ImGui::GetTextLineHeight()) / 2));
    ui::text(tile, theme_.muted);
    ui::explain(words);
}

void Overview::number(OverviewColumn column, const ui::Number &number, bool doubtful) {
    if (!ImGui::TableSetColumnIndex(int(column)))
        return;
    if (doubtful)
        ui::number(theme_, number, theme_.warning);
    else
        ui::number(theme_, number);
}

void Overview::draw_numbers(const Measurement &m) {
    const auto &ceilings = session_.runs[m.run.value].device.ceilings;
    const bool timed = m.time.median > 0;
    number(OverviewColumn::Time, {duration_or_dash(m.time.median), Evidence::Measured, explain_time(m)},
           !m.throttle.empty());
    number(OverviewColumn::Spread,
           {timed ? spread_text(m.time) : "–", Evidence::Measured,
            "Half the median's 95 % confidence interval, as a share of the median.\n" + explain_time(m)},
           is_doubtful(m.time));
    number(OverviewColumn::Bandwidth,
           {timed && m.cost.bytes > 0 ? format_bandwidth(m.achieved_bytes_per_second()) : "–",
            Evidence::Estimated, explain_bandwidth(m)});
    number(OverviewColumn::Flops,
           {timed && m.cost.flops > 0 ? format_flops(m.achieved_flops_per_second()) : "–",
            Evidence::Estimated,
            m.cost.flops > 0 ? explain_flops(m)
                             : "This operator moves data: it has no operations to count."});
    number(OverviewColumn::Floor,
           {duration_or_dash(m.floor_ns), Evidence::Modelled, explain_floor(m, ceilings)});
    number(OverviewColumn::Memory, {m.peak_bytes > 0 ? format_bytes(double(m.peak_bytes)) : "–",
                                    Evidence::Measured, explain_memory(m)});
    number(OverviewColumn::Agreement, {agreement_text(m), Evidence::Measured, explain_agreement(m)});
}

void Overview::draw_distribution(const Measurement &m) {
    if (!ImGui::TableSetColumnIndex(int(OverviewColumn::Distribution)))
        return;
    constexpr int kBins = 24;
    const auto counts = histogram(m, kBins);
    if (counts.empty())
        return;
    const float width = ImGui::GetContentRegionAvail().x, height = ImGui::GetTextLineHeight();
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const int most = *std::max_element(counts.begin(), counts.end());
    const ImU32 colour = packed(variant_colour(theme_, m.op, m.variant), 0.85f);
    auto *draw = ImGui::GetWindowDrawList();
    const float base = at.y + height;
    draw->AddRectFilled({at.x, base - px(1)}, {at.x + width, base}, packed(theme_.line));
    for (int i = 0; i < kBins; ++i) {
        if (counts[std::size_t(i)] == 0)
            continue;
        const float left = std::round(at.x + width * float(i) / kBins);
        const float right = std::max(left + 1, std::round(at.x + width * float(i + 1) / kBins) - 1);
        const float tall =
            std::max(px(2), std::round(height * float(counts[std::size_t(i)]) / float(most)));
        draw->AddRectFilled({left, base - tall}, {right, base}, colour);
    }
    ImGui::Dummy({width, height});
    ui::explain(theme_, Evidence::Measured,
                fmt::format("Histogram of {} from {} to {}.\n{}", counted(m.time.samples, "sample"),
                            format_duration_ns(m.time.minimum), format_duration_ns(m.time.maximum),
                            explain_time(m)));
}

void Overview::draw_floor_bar(const Measurement &m) {
    if (!ImGui::TableSetColumnIndex(int(OverviewColumn::TimesFloor)))
        return;
    const double times = m.times_floor();
    const float width = ImGui::GetContentRegionAvail().x, line = ImGui::GetTextLineHeight();
    if (times <= 0) {
        ui::right_aligned("–", theme_.muted);
        return;
    }
    const float number_width = ImGui::CalcTextSize("88.8×").x + px(6),
                bar = std::max(1.0f, width - number_width);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    auto *draw = ImGui::GetWindowDrawList();
    const float height = px(8), top = std::round(at.y + (line - height) / 2);
    const auto x_of = [&](double value) {
        return std::round(at.x + bar * float(std::min(value, kLongestBar) / kLongestBar));
    };
    const ImVec4 colour = variant_colour(theme_, m.op, m.variant);
    draw->AddRectFilled({at.x, top}, {at.x + bar, top + height}, packed(theme_.raised), px(2));
    draw->AddRectFilled({at.x, top}, {x_of(times), top + height}, packed(colour, 0.85f), px(2));
    // The floor itself: what no implementation can pass.
    draw->AddRectFilled({x_of(1) - px(1), top - px(3)}, {x_of(1) + px(1), top + height + px(3)},
                        packed(theme_.text));
    if (times > kLongestBar)
        draw->AddTriangleFilled({at.x + bar - px(6), top}, {at.x + bar, top + height / 2},
                                {at.x + bar - px(6), top + height}, packed(theme_.background));
    ImGui::Dummy({bar, line});
    const std::string words = explain_times_floor(m, session_.runs[m.run.value].device.ceilings) +
                              "\nThe mark on the bar is the floor; bars end at 8 times it.";
    ui::explain(theme_, Evidence::Estimated, words);
    ImGui::SameLine(0, px(6));
    ui::number(theme_, {format_ratio(times), Evidence::Estimated, words});
}

void Overview::draw_timer(const Measurement &m) {
    if (!ImGui::TableSetColumnIndex(int(OverviewColumn::Timer)) || m.time.samples == 0)
        return;
    ui::badge(theme_, title_of(m.timer),
              m.timer == Measurement::Timer::Cupti ? theme_.accent : theme_.muted);
    ui::explain(explain(m.timer));
    ImGui::SameLine(0, px(4));
    ui::badge(theme_, name_of(m.cache), theme_.muted);
    ui::explain(m.cache == CacheState::Cold
                    ? "The L2 cache was flushed before every repetition."
                    : "The L2 cache kept what the last repetition left in it.");
}

// Why there are no numbers, across the columns that would hold them.
void Overview::draw_state_sentence(const Measurement &m) {
    ImGui::TableSetColumnIndex(int(OverviewColumn::Time));
    const bool failed = m.state == Measurement::State::Failed;
    const std::string sentence = failed ? m.failure.sentence() : name_of(m.state);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float line = ImGui::GetTextLineHeight();
    const float right =
        ImGui::GetWindowPos().x + ImGui::GetWindowWidth() - ImGui::GetStyle().ScrollbarSize;
    const ui::FontScope small(ui::small_font());
    auto *draw = ImGui::GetWindowDrawList();
    push_clip_over_columns(at, {right, at.y + line});
    draw->AddText({at.x, at.y + std::round((line - ImGui::GetTextLineHeight()) / 2)},
                  packed(failed ? theme_.failure : theme_.muted),
                  ui::fitted(sentence, right - at.x).c_str());
    draw->PopClipRect();
    if (ImGui::IsMouseHoveringRect(at, {right, at.y + line}, false) && ImGui::IsWindowHovered())
        ui::tooltip(sentence);
}

void Overview::draw_row(MeasurementId id) {
    const Measurement &m = measurement(id);
    ImGui::TableNextRow();
    ImGui::PushID(int(id.value));
    draw_name(id, m);
    if (m.time.samples == 0) {
        draw_state_sentence(m);
    } else {
        draw_numbers(m);
        draw_distribution(m);
        draw_floor_bar(m);
        draw_timer(m);
    }
    ImGui::PopID();
}

void Overview::draw_table() {
    const ImGuiTableFlags flags = ImGuiTableFlags_Sortable | ImGuiTableFlags_ScrollY |
                                  ImGuiTableFlags_BordersInnerH | ImGuiTableFlags_SizingFixedFit |
                                  ImGuiTableFlags_NoSavedSettings | ImGuiTableFlags_PadOuterX;
    const float foot = ImGui::GetFrameHeight() + ImGui::GetStyle().ItemSpacing.y;
    const auto fits = columns_that_fit(ImGui::GetContentRegionAvail().x, context_.scale, state_.order.grouped);
    ImGui::PushStyleVar(ImGuiStyleVar_CellPadding, ImVec2(px(8), px(4)));
    if (ImGui::BeginTable("measurements", kOverviewColumns, flags, {0, -foot})) {
        ImGui::TableSetupScrollFreeze(0, 1);
        for (const ColumnInfo &column : kColumns) {
            ImGuiTableColumnFlags kind = column.width > 0 ? ImGuiTableColumnFlags_WidthFixed
                                                          : ImGuiTableColumnFlags_WidthStretch;
            if (column.column == OverviewColumn::Variant)
                kind |= ImGuiTableColumnFlags_DefaultSort;
            if (!fits[std::size_t(column.column)])
                kind |= ImGuiTableColumnFlags_Disabled;
            ImGui::TableSetupColumn(column.title, kind, px(column.width), ImGuiID(column.column));
        }
        draw_header_row(theme_);
        read_sorting();
        widest_ = widest_name();
        std::optional<OperatorId> group;
        for (const MeasurementId id : overview_rows(session_, context_.run, state_.order)) {
            const OperatorId op = measurement(id).op;
            if (state_.order.grouped && group != op)
                draw_group(op);
            group = op;
            draw_row(id);
        }
        ImGui::EndTable();
    }
    ImGui::PopStyleVar();
    ImGui::Checkbox("Group by operator", &state_.order.grouped);
    ui::explain(
        "Keeps the variants of an operator together, or sorts all rows against each other.");
    ImGui::SameLine(0, px(16));
    ImGui::BeginDisabled(!context_.selection.measurement.valid());
    if (ImGui::Button("Show its launches"))
        context_.show(ViewId::Timeline);
    ImGui::EndDisabled();
    ui::explain(
        "Opens the timeline at the launches of the selected row. So does a double click on a row.");
}

void Overview::draw() {
    draw_head();
    draw_share_bar();
    ImGui::Dummy({0, px(4)});
    draw_table();
}

} // namespace

void draw_overview(ViewContext &context, OverviewState &state) {
    const Session &session = *context.session;
    if (!context.run.valid() || context.run.value >= session.runs.size()) {
        if (ui::empty_state(
                context.theme, "Nothing is measured yet",
                "A run fills this table: every operator and variant with its time, what it "
                "achieved and "
                "how far it is from the device's limit. Choose a model and its tokens on the left.",
                "Run"))
            context.run_plan();
        return;
    }
    Overview(context, state).draw();
}

} // namespace moescope
