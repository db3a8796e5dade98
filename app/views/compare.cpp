#include "app/views/compare.h"

#include "app/charts/scale.h"
#include "app/views/measurement_text.h"
#include "app/views/metric_text.h"
#include "app/views/session_file.h"
#include "app/views/number.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>
#include <imgui_internal.h> // TablePushBackgroundChannel: a name goes on beyond its column
#include <imgui_stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <ranges>
#include <utility>

namespace moescope {

namespace {

constexpr float kBesideWidth = 110; // "within 100.0 %"

// At 1x: what its columns of numbers, the verdict and the plot need.
constexpr float kNumber = 64, kVerdict = 56, kLeastForest = 72, kLeastName = 60;
constexpr float kLeastSide = 160; // narrower, and a session's name says nothing

class CompareView {
  public:
    CompareView(const ViewContext &context, CompareState &state, const CompareActions &actions)
        : context_(context), theme_(context.theme), state_(state), actions_(actions) {}

    void draw();

  private:
    float px(float at_1x) const { return std::round(at_1x * context_.scale); }
    const Session &session_of(const CompareChoice &choice) const {
        return choice.other && state_.other ? *state_.other : *context_.session;
    }
    bool shown_session(const CompareChoice &choice) const { return !choice.other; }
    ComparedSide side_of(const CompareChoice &choice) const {
        return {session_of(choice), choice.run.valid() ? std::vector<RunId>{choice.run} : std::vector<RunId>{},
                choice.variant};
    }

    void settle();
    void update();
    void draw_side(const char *name, CompareChoice &choice, std::optional<CompareChoice> &chosen);
    void draw_variants(const CompareChoice &choice, std::optional<CompareChoice> &chosen);
    void draw_open();
    void draw_hosts();
    void draw_controls();
    void draw_summary();
    void draw_table();
    void next_cell();
    void draw_name(const ComparedRow &row);
    void lay_out_table();
    void draw_header(const charts::Scale &scale, ImVec2 low, ImVec2 high);
    void draw_row(std::size_t index, const std::vector<Difference> &shared);
    void draw_interval(const ComparedRow &row);
    void draw_unmatched();
    void draw_details();
    bool selected(const ComparedRow &row) const;
    void select(const ComparedRow &row);
    ImVec4 colour_of(Change change) const;
    charts::Scale forest(float left, float right) const;

    const ViewContext &context_;
    const Theme &theme_;
    CompareState &state_;
    const CompareActions &actions_;
    CompareChoice a_, b_;
    bool side_alone_ = false; // in its line: the variant is below
    struct {
        float name = 0; // wide, in pixels
        bool two_lines = false, times = true, forest = true;
    } table_; // what there is room for
};

std::string variants_text(const ComparedRow &row) {
    return row.a_variant == row.b_variant ? row.a_variant : row.a_variant + " → " + row.b_variant;
}

// "fused", "fused  T 2048"
std::string second_line(const ComparedRow &row) {
    return row.where.empty() ? variants_text(row) : variants_text(row) + "  " + row.where;
}

std::string run_text(const Session &session, RunId run) {
    if (!run.valid())
        return session.runs.size() == 1 ? "its run" : "all runs";
    return fmt::format("run {}: {}", run.value + 1, workload_label(session, run.value));
}

// Of a live session whose file's name says little.
std::string host_of(const Session &session, const std::string &called) {
    if (session.origin != Origin::Live || session.empty())
        return "";
    return called.empty() ? session.runs.back().device.host : called;
}

std::string side_text(const Session &session, const CompareChoice &choice, const CompareState &state) {
    const std::string host = host_of(session, choice.other ? state.other_host : state.host);
    const std::string name = !host.empty() ? "Live on " + host
                             : !session.path.empty() ? std::filesystem::path(session.path).filename().string()
                             : choice.other        ? "Second session"
                                                   : "This session";
    return fmt::format("{}, {}", name, run_text(session, choice.run));
}

std::vector<std::string> variants_of(const Session &session, RunId run) {
    std::vector<std::string> names;
    for (const Measurement &m : session.measurements)
        if ((!run.valid() || m.run == run) && std::find(names.begin(), names.end(), m.variant) == names.end())
            names.push_back(m.variant);
    return names;
}

std::string change_text(const ComparedQuantity &quantity) {
    const auto change = quantity.change();
    if (!change)
        return quantity.a ? "missing in B" : "missing in A";
    if (*change == 0)
        return "the same";
    std::string text = fmt::format("{}{}", *change > 0 ? "+" : "−", quantity_text(quantity, std::fabs(*change)));
    return *quantity.a != 0 ? text + fmt::format("  ({:+.1f} %)", 100 * *change / std::fabs(*quantity.a)) : text;
}

// What was chosen and is still there, else what goes without saying.
void CompareView::settle() {
    std::tie(a_, b_) = default_choices(*context_.session, context_.run, state_.other != nullptr);
    for (auto [chosen, choice] : {std::pair{&state_.a, &a_}, std::pair{&state_.b, &b_}}) {
        if (!*chosen)
            continue;
        const bool there = (!(*chosen)->other || state_.other) &&
                           (!(*chosen)->run.valid() || (*chosen)->run.value < session_of(**chosen).runs.size());
        if (there)
            *choice = **chosen;
        else
            chosen->reset();
    }
}

void CompareView::update() {
    const CompareState::Key key{context_.session, state_.other, a_, b_, state_.threshold};
    if (key == state_.key)
        return;
    state_.key = key;
    state_.comparison = compare_sessions(side_of(a_), side_of(b_), {state_.threshold, {}});
}

void CompareView::draw_side(const char *name, CompareChoice &choice, std::optional<CompareChoice> &chosen) {
    ImGui::PushID(name);
    ImGui::AlignTextToFramePadding();
    ui::heading(name);
    ui::explain(*name == 'A' ? "What was before." : "What is now: slower means that B is.");
    ImGui::SameLine(px(24));
    // To the right: the variant, then what stands beside A and B.
    const float rest = px(150) + ImGui::GetStyle().ItemInnerSpacing.x + px(12) + px(kBesideWidth);
    const float room = ImGui::GetContentRegionAvail().x;
    side_alone_ = room - rest < px(kLeastSide);
    ImGui::SetNextItemWidth(std::clamp(side_alone_ ? room : room - rest, px(72), px(520)));
    const Session &shown = session_of(choice);
    if (ImGui::BeginCombo("##side", ui::fitted_in_combo(side_text(shown, choice, state_)).c_str(), ImGuiComboFlags_HeightLarge)) {
        for (const bool other : {false, true}) {
            if (other && !state_.other)
                continue;
            const Session &session = other ? *state_.other : *context_.session;
            for (std::size_t i = 0; i <= session.runs.size(); ++i) {
                CompareChoice next{other, i == 0 ? RunId{} : RunId{std::uint32_t(i - 1)}, choice.variant};
                ImGui::PushID(int(i) * 2 + other);
                if (ImGui::Selectable(side_text(session, next, state_).c_str(), next == choice))
                    chosen = next;
                ImGui::PopID();
            }
        }
        ImGui::EndCombo();
    }
    draw_variants(choice, chosen);
    ImGui::PopID();
}

void CompareView::draw_variants(const CompareChoice &choice, std::optional<CompareChoice> &chosen) {
    if (side_alone_)
        ImGui::SetCursorPosX(px(24));
    else
        ImGui::SameLine(0, ImGui::GetStyle().ItemInnerSpacing.x);
    ImGui::SetNextItemWidth(px(150));
    const bool open = ImGui::BeginCombo("##variant", choice.variant.empty() ? "every variant" : choice.variant.c_str());
    ui::explain("A variant of each side, to set one against another: A fused against B split. Else "
                "each variant is compared with itself.");
    if (!open)
        return;
    std::vector<std::string> names = variants_of(session_of(choice), choice.run);
    names.insert(names.begin(), "");
    for (const std::string &name : names)
        if (ImGui::Selectable(name.empty() ? "every variant" : name.c_str(), name == choice.variant)) {
            chosen = choice;
            chosen->variant = name;
        }
    ImGui::EndCombo();
}

void CompareView::draw_hosts() {
    if (actions_.hosts.empty())
        return;
    ImGui::SetNextItemWidth(px(200));
    if (ImGui::BeginCombo("##host", "Or another host's")) {
        for (const std::string &host : actions_.hosts)
            if (ImGui::Selectable(host.c_str()))
                actions_.open_host(host);
        ImGui::EndCombo();
    }
    ui::explain("The live session of another open host as the second one; it stays up to date.");
}

void CompareView::draw_open() {
    const float gap = ImGui::GetStyle().ItemInnerSpacing.x, button = px(72), browse = px(92);
    const float buttons = button + gap + (context_.ask_file ? browse + gap : 0);
    const float width = std::clamp(ImGui::GetContentRegionAvail().x - buttons, px(120), px(520));
    const char *whole = state_.other ? "Another second session: a path, or drop a file"
                                     : "Second session: a path, or drop a file on this view";
    const bool fits = ui::text_width(whole) + 2 * ImGui::GetStyle().FramePadding.x <= width;
    ImGui::SetNextItemWidth(width);
    bool wanted = ImGui::InputTextWithHint("##second", fits ? whole : "Second session", &state_.path,
                                           ImGuiInputTextFlags_EnterReturnsTrue);
    ImGui::SameLine(0, gap);
    ImGui::BeginDisabled(state_.busy);
    wanted = ImGui::Button(state_.busy ? "Opening" : "Open", {button, 0}) || wanted;
    if (context_.ask_file) {
        ImGui::SameLine(0, gap);
        if (ImGui::Button("Browse …", {browse, 0}))
            context_.ask_file(open_question(session_of(a_), {}), [&state = state_](std::string answer) {
                state.path = std::move(answer);
                state.path_chosen = true;
            });
    }
    ImGui::EndDisabled();
    draw_hosts();
    wanted = std::exchange(state_.path_chosen, false) || wanted;
    if (wanted && !state_.busy && !state_.path.empty())
        actions_.open(state_.path);
    if (state_.problem)
        ui::wrapped(state_.problem->sentence(), theme_.failure);
}

void CompareView::draw_controls() {
    draw_side("A", a_, state_.a);
    ImGui::SameLine(0, px(12));
    if (ImGui::Button("Swap")) {
        state_.a = b_;
        state_.b = a_;
    }
    ui::explain("Turns the comparison round.");
    draw_side("B", b_, state_.b);
    ImGui::SameLine(0, px(12));
    ImGui::SetNextItemWidth(px(kBesideWidth));
    float percent = float(100 * state_.threshold);
    if (ImGui::DragFloat("##threshold", &percent, 0.1f, 0, 100, "within %.1f %%", ImGuiSliderFlags_AlwaysClamp))
        state_.threshold = percent / 100;
    ui::explain("The practical threshold: a difference of less does not matter, however sure it is. Drag, or "
                "double click to type.");
    ImGui::Dummy({px(24) - ImGui::GetStyle().ItemSpacing.x, 0});
    ImGui::SameLine(px(24));
    draw_open();
    ImGui::Dummy({0, px(4)});
}

ImVec4 CompareView::colour_of(Change change) const {
    switch (change) {
    case Change::Slower:
        return theme_.warning;
    case Change::Faster:
        return theme_.good;
    case Change::Same:
    case Change::Unclear:
        break;
    }
    return theme_.muted;
}

void CompareView::draw_summary() {
    const Comparison &c = state_.comparison;
    const std::pair<int, Change> counts[] = {
        {c.slower, Change::Slower}, {c.faster, Change::Faster}, {c.same, Change::Same}, {c.unclear, Change::Unclear}};
    for (const auto &[count, change] : counts) {
        ImGui::BeginGroup();
        ui::heading(fmt::format("{}", count));
        ImGui::SameLine(0, px(6));
        ui::text(name_of(change), count > 0 ? colour_of(change) : theme_.muted);
        ImGui::EndGroup();
        ui::explain(theme_, Evidence::Estimated,
                    fmt::format("Rows whose verdict is \"{}\", out of {}: the ratio of two medians, its 95 % interval and "
                                "the threshold decide.",
                                name_of(change), c.rows.size()));
        ui::flow(ui::text_width("0.000× geometric mean "), px(20)); // the widest of them
    }
    ImGui::BeginGroup();
    ui::heading(fmt::format("{:.3f}×", c.geometric_mean));
    ImGui::SameLine(0, px(6));
    ui::text("geometric mean", theme_.muted);
    ImGui::EndGroup();
    ui::explain(theme_, Evidence::Estimated,
                fmt::format("Of B's medians over A's, each of {} rows alike; below 1 B is faster.", c.rows.size()));
    std::vector<Difference> apart = c.devices;
    for (Difference &each : shared_differences(c))
        apart.push_back(std::move(each));
    if (apart.empty())
        return;
    ui::wrapped("From A to B: " + sentence_of(apart) + ".", theme_.muted);
    ui::explain(theme_, Evidence::Reported, "In what the two sides' devices, drivers and workloads differ.");
}

charts::Scale CompareView::forest(float left, float right) const {
    const double reach = forest_reach(state_.comparison);
    return {{1 / reach, reach}, left + px(6), right - px(6), true};
}

void CompareView::draw_header(const charts::Scale &scale, ImVec2 low, ImVec2 high) {
    auto *draw = ImGui::GetWindowDrawList();
    const double outer = forest_tick(scale.range.high);
    const float apart = float(scale.to_pixel(outer) - scale.to_pixel(1)); // 1 stands alone where there is no room
    for (const double tick : {1 / outer, 1.0, outer}) {
        const std::string text = format_ratio(tick);
        const float width = ImGui::CalcTextSize(text.c_str()).x;
        const float x = float(scale.to_pixel(tick));
        if (tick != 1.0 && apart < width + px(4))
            continue;
        draw->AddText({std::floor(x - width / 2), low.y}, packed(theme_.muted), text.c_str());
    }
    ImGui::SetCursorScreenPos(low);
    ImGui::Dummy({high.x - low.x, ImGui::GetTextLineHeight()});
    ui::explain(theme_, Evidence::Estimated,
                "B's median over A's with its 95 % interval, on a logarithmic scale. Left of the line: "
                "B is faster. The band is the threshold.");
}

void CompareView::draw_interval(const ComparedRow &row) {
    const ImVec2 low = ImGui::GetCursorScreenPos();
    const float line = ImGui::GetTextLineHeight(), pad = ImGui::GetStyle().CellPadding.y;
    const float right = low.x + ImGui::GetContentRegionAvail().x;
    const charts::Scale scale = forest(low.x, right);
    auto *draw = ImGui::GetWindowDrawList();
    const float top = table_.two_lines ? low.y : low.y - pad, bottom = low.y + line + pad, middle = std::floor(low.y + line / 2) + 0.5f;
    const double most = 1 + state_.comparison.threshold;
    draw->AddRectFilled({float(scale.to_pixel(1 / most)), top}, {float(scale.to_pixel(most)), bottom},
                        packed(theme_.muted, 0.14f));
    const float one = std::floor(float(scale.to_pixel(1))) + 0.5f;
    draw->AddLine({one, top}, {one, bottom}, packed(theme_.text, 0.45f));
    if (!row.time.ratio)
        return;
    const auto place = [&](double ratio) {
        return float(scale.to_pixel(std::clamp(ratio, scale.range.low, scale.range.high)));
    };
    const ImVec4 colour = colour_of(row.time.change);
    const auto [ratio, from, to] = *row.time.ratio;
    const float thick = std::max(1.0f, px(2)), end = px(3);
    draw->AddLine({place(from), middle}, {place(to), middle}, packed(colour), thick);
    for (const double edge : {from, to})
        draw->AddLine({place(edge), middle - end}, {place(edge), middle + end}, packed(colour), thick / 2);
    const ImVec2 centre{place(ratio), middle};
    if (row.time.change == Change::Unclear) {
        draw->AddCircleFilled(centre, px(4), packed(theme_.background));
        draw->AddCircle(centre, px(3.5f), packed(colour), 0, thick / 2 + 0.5f);
    } else
        draw->AddCircleFilled(centre, px(4), packed(colour));
}

bool CompareView::selected(const ComparedRow &row) const {
    const MeasurementId id = context_.selection.measurement;
    return (shown_session(b_) && row.b == id) || (shown_session(a_) && row.a == id);
}

// B where the open session has it, as that is what the change led to.
void CompareView::select(const ComparedRow &row) {
    if (shown_session(b_))
        context_.selection.measurement = row.b;
    else if (shown_session(a_))
        context_.selection.measurement = row.a;
}

// In the row's last line.
void CompareView::next_cell() {
    ImGui::TableNextColumn();
    if (table_.two_lines)
        ImGui::SetCursorPosY(ImGui::GetCursorPosY() + ImGui::GetTextLineHeight());
}

// The operator, the variant and the workload: beside one another, or the operator alone above.
void CompareView::draw_name(const ComparedRow &row) {
    if (table_.two_lines) {
        const ImVec2 at = ImGui::GetCursorScreenPos();
        const float room = ImGui::GetContentRegionAvail().x - px(6);
        ImGui::TablePushBackgroundChannel(); // beyond its column: the numbers are in the line below
        ui::text(info(row.op).title);
        ImGui::TablePopBackgroundChannel();
        ImGui::SetCursorScreenPos({at.x, at.y + ImGui::GetTextLineHeight()});
        ui::text(ui::fitted(second_line(row), room), theme_.muted);
        return;
    }
    ui::text(info(row.op).title);
    ImGui::SameLine(0, px(6));
    ui::text(variants_text(row), theme_.muted);
    if (row.where.empty())
        return;
    ImGui::SameLine(0, px(6));
    ui::text(row.where);
}

void CompareView::draw_row(std::size_t index, const std::vector<Difference> &shared) {
    const ComparedRow &row = state_.comparison.rows[index];
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::PushID(int(index));
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float height = ImGui::GetTextLineHeight() * (table_.two_lines ? 2 : 1);
    if (ImGui::Selectable("##row", selected(row), ImGuiSelectableFlags_SpanAllColumns, {0, height}))
        select(row);
    const std::string own = sentence_of(own_differences(row, shared));
    const int numbers = table_.times ? 3 : 1; // have words of their own
    if (std::ranges::none_of(std::views::iota(1, numbers + 1), ui::column_hovered))
        ui::explain(theme_, Evidence::Estimated, row.time.reason + (own.empty() ? "" : "\nFrom A to B: " + own + "."));
    if (ImGui::IsItemHovered() && (shown_session(b_) || shown_session(a_)))
        context_.selection.next_hovered = shown_session(b_) ? row.b : row.a;
    ImGui::SetCursorScreenPos(at);
    ImGui::PopID();
    draw_name(row);
    const Measurement &a = session_of(a_).measurements[row.a.value], &b = session_of(b_).measurements[row.b.value];
    if (table_.times) {
        next_cell();
        ui::number(theme_, {format_duration_ns(row.time.a_ns), Evidence::Measured, "A. " + explain_time(a)});
        next_cell();
        ui::number(theme_, {format_duration_ns(row.time.b_ns), Evidence::Measured, "B. " + explain_time(b)});
    }
    next_cell();
    ui::number(theme_, {row.time.ratio ? fmt::format("{:.3f}×", row.time.ratio->ratio) : "–", Evidence::Estimated,
                        fmt::format("The median of B's {} samples over that of A's {}. {}", b.time.samples,
                                    a.time.samples, row.time.reason)});
    if (table_.forest) {
        next_cell();
        draw_interval(row);
    }
    next_cell();
    ui::text(name_of(row.time.change), colour_of(row.time.change));
}

// Names are whole: where they lack room they take a line of their own, then the plot goes, then the times.
void CompareView::lay_out_table() {
    float one_line = 0, two_lines = 0;
    for (const ComparedRow &row : state_.comparison.rows) {
        const float below = ui::text_width(second_line(row));
        one_line = std::max(one_line, ui::text_width(info(row.op).title) + px(12) + below);
        two_lines = std::max(two_lines, below);
    }
    const float end = px(8), gap = 2 * ImGui::GetStyle().CellPadding.x; // between two columns
    const float room = ImGui::GetContentRegionAvail().x - 3 * (px(kNumber) + gap) - (px(kVerdict) + gap);
    const float beside = room - px(kLeastForest) - gap; // the plot
    table_.two_lines = one_line + end > beside;
    table_.forest = (table_.two_lines ? two_lines : one_line) + end <= beside;
    if (!table_.forest)
        table_.two_lines = one_line + end > room;
    table_.times = table_.forest || room >= px(kLeastName) + end;
    const float wanted = (table_.two_lines ? two_lines : one_line) + end;
    table_.name = table_.two_lines ? wanted : std::max(wanted, std::round((room - gap) / 2.1f));
}

void CompareView::draw_table() {
    const ui::FontScope small(ui::small_font());
    lay_out_table();
    std::vector<const char *> numbers{"B / A"};
    if (table_.times)
        numbers.insert(numbers.begin(), {"A", "B"});
    const ImGuiTableFlags flags = ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_NoSavedSettings | ImGuiTableFlags_RowBg;
    if (!ImGui::BeginTable("rows", int(numbers.size()) + 2 + table_.forest, flags))
        return;
    if (table_.forest)
        ImGui::TableSetupColumn("what", ImGuiTableColumnFlags_WidthFixed, table_.name);
    else
        ImGui::TableSetupColumn("what", ImGuiTableColumnFlags_WidthStretch);
    for (const char *name : numbers)
        ImGui::TableSetupColumn(name, ImGuiTableColumnFlags_WidthFixed, px(kNumber));
    if (table_.forest)
        ImGui::TableSetupColumn("forest", ImGuiTableColumnFlags_WidthStretch);
    ImGui::TableSetupColumn("verdict", ImGuiTableColumnFlags_WidthFixed, px(kVerdict));
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    for (const char *name : numbers) {
        ImGui::TableNextColumn();
        ui::right_aligned(name, theme_.muted);
    }
    if (table_.forest) {
        ImGui::TableNextColumn();
        const ImVec2 low = ImGui::GetCursorScreenPos();
        const ImVec2 high{low.x + ImGui::GetContentRegionAvail().x, low.y};
        draw_header(forest(low.x, high.x), low, high);
    }
    const auto shared = shared_differences(state_.comparison);
    for (std::size_t i = 0; i < state_.comparison.rows.size(); ++i)
        draw_row(i, shared);
    ImGui::EndTable();
}

void CompareView::draw_unmatched() {
    const ui::FontScope small(ui::small_font());
    for (const Unmatched &each : state_.comparison.unmatched) {
        const Measurement &m = session_of(each.in_a ? a_ : b_).measurements[each.id.value];
        ui::wrapped(fmt::format("Only in {}: {} {}, {}", each.in_a ? "A" : "B", info(m.op).title, m.variant, each.reason),
                    each.failed ? theme_.failure : theme_.muted);
        ui::explain(theme_, Evidence::Reported, "It has no counterpart on the other side to be compared with.");
    }
}

// The selected row's memory and counters.
void CompareView::draw_details() {
    const auto &rows = state_.comparison.rows;
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const ComparedRow &row) { return selected(row); });
    if (found == rows.end() || found->quantities.empty())
        return;
    ImGui::Dummy({0, px(8)});
    ui::heading(fmt::format("{}, {}{}", info(found->op).title, found->b_variant,
                            found->where.empty() ? "" : ", " + found->where));
    ui::wrapped(found->time.reason, theme_.muted);
    ui::explain(theme_, Evidence::Estimated,
                "The ratio of two medians and its 95 % interval, which assumes nothing about the distributions (Price and "
                "Bonett, 2002).");
    const ui::FontScope small(ui::small_font());
    if (!ImGui::BeginTable("quantities", 4, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_RowBg))
        return;
    ImGui::TableSetupColumn("name", ImGuiTableColumnFlags_WidthStretch);
    ImGui::TableNextRow();
    for (const char *title : {"", "A", "B", "change"}) {
        ImGui::TableNextColumn();
        ui::right_aligned(title, theme_.muted);
    }
    for (const ComparedQuantity &quantity : found->quantities) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        const bool counter = quantity.name.find("__") != std::string::npos;
        ui::text(ui::fitted(counter ? known_metrics().title(quantity.name) : quantity.name, ImGui::GetContentRegionAvail().x));
        if (counter)
            ui::explain(theme_, Evidence::Measured, explain_metric(quantity.name));
        const char *how = counter ? "by a hardware counter, over the repetition's kernels" : "by the allocation ledger";
        for (const auto &[text, what] :
             {std::pair{quantity_text(quantity, quantity.a), fmt::format("A's value, {}.", how)},
              std::pair{quantity_text(quantity, quantity.b), fmt::format("B's value, {}.", how)},
              std::pair{change_text(quantity), std::string("B's value less A's.")}}) {
            ImGui::TableNextColumn();
            ui::number(theme_, {text, Evidence::Measured, fmt::format("{}: {}", quantity.name, what)});
        }
    }
    ImGui::EndTable();
}

void CompareView::draw() {
    settle();
    if (context_.session->empty() && !state_.other) {
        if (ui::empty_state(theme_, "Nothing to compare yet",
                            "Two runs of one session, or two sessions, are set side by side here: what got "
                            "slower or faster, and how surely. Run something twice, or open a recording.",
                            "Open a session"))
            context_.show(ViewId::SessionFile);
        return;
    }
    draw_controls();
    if (a_ == b_ && !state_.other) {
        ui::empty_state(theme_, "One run alone",
                        "This session has a single run. Run again, open a second session above, or choose a "
                        "variant for A and another for B.");
        return;
    }
    update();
    if (state_.comparison.rows.empty()) {
        ui::empty_state(theme_, "Nothing was measured in both",
                        "A and B have no operator and variant on the same workload. Choose a single run of "
                        "each to compare them whatever their workloads.");
        return;
    }
    draw_summary();
    {
        const PlotArea area(context_, "compare", "B against A, row by row", [&] { return comparison_csv(state_.comparison); });
        draw_table();
    }
    draw_unmatched();
    draw_details();
}

} // namespace

void draw_compare(const ViewContext &context, CompareState &state, const CompareActions &actions) {
    CompareView(context, state, actions).draw();
}

} // namespace moescope
