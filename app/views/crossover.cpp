#include "app/views/crossover.h"

#include "app/charts/colour_scale.h"
#include "app/charts/heat_map.h"
#include "app/charts/series.h"
#include "app/views/number.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"
#include "profiler/crossover/heuristic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <utility>

namespace moescope {

namespace {

class Crossover {
  public:
    Crossover(const ViewContext &context, CrossoverState &state, const CrossoverMap &map)
        : context_(context), theme_(context.theme), state_(state), map_(map),
          scales_(scales_of(map)), x_edges_(cell_edges(map.xs, scales_[0])),
          y_edges_(cell_edges(map.ys, scales_[1])) {}

    void draw_legend() const;
    void draw_plot();
    void draw_rules() const;

  private:
    float px(float at_1x) const { return std::round(at_1x * context_.scale); }
    ImVec4 colour(bool b) const { return variant_colour(theme_, map_.op, b ? map_.b : map_.a); }
    ImVec4 colour(const CrossoverCell &cell) const;
    charts::PlotSpec spec() const;
    std::string published_name() const;
    bool draw_cell(const charts::Plot &plot, const CrossoverCell &cell) const; // true: the pointer is on it
    void draw_labels(const charts::Plot &plot) const;
    bool draw_boundary(const charts::Plot &plot, std::span<const ImVec2> points, bool dashed) const;
    bool draw_fitted(const charts::Plot &plot) const;
    bool draw_published(const charts::Plot &plot) const;

    const ViewContext &context_;
    const Theme &theme_;
    CrossoverState &state_;
    const CrossoverMap &map_;
    std::array<AxisScale, 2> scales_;
    std::vector<double> x_edges_, y_edges_;
};

constexpr const char *kFittedWords = "The fitted boundary: logistic regression on the decided cells.";
constexpr const char *kPublishedWords =
    "The published rule: split when E <= 32 and K*N >= 20,000,000 (axolotl, scattermoe_lora kernels/ops.py).";

// Diverging about a ratio of 1: from the background to each variant's own colour at 1.5 times.
ImVec4 Crossover::colour(const CrossoverCell &cell) const {
    const double strength = std::min(1.0, std::fabs(std::log(cell.ratio)) / std::log(1.5));
    return mix(theme_.background, colour(cell.b_wins()), 0.2f + 0.75f * float(strength));
}

charts::PlotSpec Crossover::spec() const {
    charts::PlotSpec spec;
    spec.x = {.title = "", .explain = std::string(map_.x->explain), .evidence = Evidence::Reported, .log = scales_[0] == AxisScale::Log2,
              .movable = false, .labelled = false, .fit = {x_edges_.front(), x_edges_.back()}};
    spec.y = {.title = std::string(map_.y->title), .explain = std::string(map_.y->explain), .evidence = Evidence::Reported,
              .log = scales_[1] == AxisScale::Log2, .movable = false, .labelled = false,
              .fit = {y_edges_.front(), y_edges_.back()}};
    spec.left_margin = px(96);
    return spec;
}

std::size_t place_in(const std::vector<double> &values, double value) {
    return std::size_t(std::lower_bound(values.begin(), values.end(), value) - values.begin());
}

bool Crossover::draw_cell(const charts::Plot &plot, const CrossoverCell &cell) const {
    const std::size_t i = place_in(map_.xs, cell.x), j = place_in(map_.ys, cell.y);
    const ImVec2 a = plot.at(x_edges_[i], y_edges_[j + 1]), b = plot.at(x_edges_[i + 1], y_edges_[j]);
    const ImVec2 low{a.x + 1, a.y + 1}, high{b.x - 1, b.y - 1};
    const ImVec4 fill = cell.decided ? colour(cell) : theme_.surface;
    plot.draw->AddRectFilled(low, high, packed(fill));
    const float line = ImGui::GetTextLineHeight();
    if (!cell.decided)
        charts::draw_hatching(*plot.draw, low, high, packed(theme_.muted, 0.4f), line * 0.5f);
    const std::string text = format_ratio(cell.b_wins() ? 1 / cell.ratio : cell.ratio);
    const ImVec2 size = ImGui::CalcTextSize(text.c_str());
    const ImVec2 at{std::floor((low.x + high.x - size.x) / 2), std::floor((low.y + high.y - size.y) / 2)};
    if (size.x + line * 0.5f < high.x - low.x && size.y < high.y - low.y) {
        if (!cell.decided)
            plot.draw->AddRectFilled({at.x - 3, at.y}, {at.x + size.x + 3, at.y + size.y}, packed(fill));
        plot.draw->AddText(at, packed(cell.decided ? charts::text_on(fill) : theme_.muted), text.c_str());
    }
    const MeasurementId selected = context_.selection.measurement;
    if (selected == cell.a || selected == cell.b)
        plot.draw->AddRect(low, high, packed(theme_.accent), 0, 0, px(2));
    const bool over = plot.hovered && plot.mouse.x >= a.x && plot.mouse.x < b.x && plot.mouse.y >= a.y && plot.mouse.y < b.y;
    if (!over)
        return false;
    const MeasurementId faster = cell.b_wins() ? cell.b : cell.a;
    context_.selection.next_hovered = faster;
    if (plot.clicked)
        context_.selection.measurement = faster;
    plot.draw->AddRect(low, high, packed(theme_.text));
    return true;
}

// The measured values themselves: round numbers between them mean nothing here.
void Crossover::draw_labels(const charts::Plot &plot) const {
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    auto &draw = *ImGui::GetWindowDrawList();
    float free_from = plot.low.x - line;
    for (const double x : map_.xs) {
        const std::string text = scales_[0] == AxisScale::Log2 ? format_count(x) : fmt::format("{:.3g}", x);
        const float width = ImGui::CalcTextSize(text.c_str()).x;
        const float left = float(plot.x.to_pixel(x)) - width / 2;
        if (left < free_from)
            continue;
        draw.AddText({std::floor(left), plot.high.y + line * 0.3f}, packed(theme_.muted), text.c_str());
        free_from = left + width + line * 0.5f;
    }
    const std::string title(map_.x->title);
    draw.AddText({std::floor((plot.low.x + plot.high.x - ImGui::CalcTextSize(title.c_str()).x) / 2),
                  plot.high.y + line * 1.5f},
                 packed(theme_.muted), title.c_str());
    float free_above = plot.high.y + line;
    for (const double y : map_.ys) {
        const std::string text = scales_[1] == AxisScale::Log2 ? format_count(y) : fmt::format("{:.3g}", y);
        const float top = float(plot.y.to_pixel(y)) - line / 2;
        if (top + line > free_above)
            continue;
        const float width = ImGui::CalcTextSize(text.c_str()).x;
        draw.AddText({std::floor(plot.low.x - width - line * 0.4f), std::floor(top)},
                     packed(theme_.muted), text.c_str());
        free_above = top;
    }
}

// True where the pointer is on it.
bool Crossover::draw_boundary(const charts::Plot &plot, std::span<const ImVec2> points, bool dashed) const {
    bool over = false;
    for (std::size_t i = 1; i < points.size(); ++i) {
        if (dashed)
            charts::draw_dashes(*plot.draw, points[i - 1], points[i], px(7), px(5), packed(theme_.text), px(2.5f));
        else
            plot.draw->AddLine(points[i - 1], points[i], packed(theme_.text), px(2.5f));
        over = over || (plot.hovered && charts::distance_to(plot.mouse, points[i - 1], points[i]) < px(4));
    }
    return over;
}

// Straight on the axes' scales, from edge to edge.
bool Crossover::draw_fitted(const charts::Plot &plot) const {
    if (!state_.fitted)
        return false;
    std::vector<ImVec2> points;
    for (const auto &[x, y] : fitted_boundary(*state_.fitted, {x_edges_.front(), x_edges_.back()},
                                              {y_edges_.front(), y_edges_.back()}))
        points.push_back(plot.at(x, y));
    return draw_boundary(plot, points, /*dashed=*/false);
}

bool Crossover::draw_published(const charts::Plot &plot) const {
    const auto corners = published_boundary(map_, {x_edges_.front(), x_edges_.back()},
                                            {y_edges_.front(), y_edges_.back()});
    std::vector<ImVec2> points;
    for (const auto &[x, y] : corners)
        points.push_back(plot.at(x, y));
    return draw_boundary(plot, points, /*dashed=*/true);
}

void Crossover::draw_plot() {
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    const float room = ImGui::GetContentRegionAvail().y - line * 10;
    const ImVec2 size{std::min(ImGui::GetContentRegionAvail().x, px(900)),
                      std::clamp(room, px(180), px(480))};
    auto plot = charts::begin_plot("map", size, spec(), state_.plot, theme_, context_.scale);
    const CrossoverCell *hovered = nullptr;
    for (const CrossoverCell &cell : map_.cells)
        if (draw_cell(plot, cell))
            hovered = &cell;
    const bool on_published = draw_published(plot), on_fitted = draw_fitted(plot);
    charts::end_plot(plot, state_.plot, theme_);
    if (on_fitted)
        ui::tooltip(theme_, Evidence::Estimated, kFittedWords);
    else if (on_published)
        ui::tooltip(theme_, Evidence::Reported, kPublishedWords);
    else if (hovered)
        ui::tooltip(theme_, title_of(map_, *hovered), facts_of_cell(*context_.session, map_, *hovered, state_.rules));
    draw_labels(plot);
    ImGui::SetCursorScreenPos({ImGui::GetCursorScreenPos().x, plot.high.y + 1});
    ImGui::Dummy({size.x, line * 3.2f});
    ui::explain(theme_, Evidence::Reported, map_.x->explain);
}

// Where its boundary is out of the picture, the legend says which side of it this is.
std::string Crossover::published_name() const {
    for (const NamedRule &rule : state_.rules) {
        if (rule.name != "published")
            continue;
        const auto chooses_b = [&](const CrossoverCell &cell) { return rule.chooses_b(cell); };
        const auto count = std::count_if(map_.cells.begin(), map_.cells.end(), chooses_b);
        if (count == 0 || std::size_t(count) == map_.cells.size())
            return fmt::format("published rule: {} everywhere here", count == 0 ? map_.a : map_.b);
    }
    return "published rule";
}

void Crossover::draw_legend() const {
    const ui::FontScope font(ui::small_font());
    const float line = ImGui::GetTextLineHeight();
    bool first = true;
    const auto entry = [&](const ImVec4 &colour, float height, const std::string &name, Evidence evidence,
                           const char *explain, bool dashed = false) {
        if (!std::exchange(first, false))
            ui::flow(line * 1.3f + ui::text_width(name), px(16));
        ImGui::BeginGroup();
        const ImVec2 at = ImGui::GetCursorScreenPos();
        for (const float from : dashed ? std::vector{0.0f, 0.6f} : std::vector{0.0f})
            ImGui::GetWindowDrawList()->AddRectFilled(
                {at.x + line * from, at.y + line * (0.5f - height / 2)},
                {at.x + line * (dashed ? from + 0.4f : 1), at.y + line * (0.5f + height / 2)}, packed(colour));
        ImGui::Dummy({line * 1.3f, line});
        ImGui::SameLine(0, 0);
        ui::text(name, theme_.muted);
        ImGui::EndGroup();
        ui::explain(theme_, evidence, explain);
    };
    constexpr const char *kFaster = "By the ratio of the medians. Stronger where it is faster by more, up to 1.5×.";
    entry(colour(false), 0.7f, map_.a + " is faster", Evidence::Estimated, kFaster);
    entry(colour(true), 0.7f, map_.b + " is faster", Evidence::Estimated, kFaster);
    if (state_.fitted)
        entry(theme_.text, 0.18f, "fitted boundary", Evidence::Estimated, kFittedWords);
    if (has_published_rule(map_))
        entry(theme_.text, 0.18f, published_name(), Evidence::Reported, kPublishedWords, /*dashed=*/true);
    constexpr const char *kHatched = "hatched: not decided";
    ui::flow(ui::text_width(kHatched), px(16));
    ui::text(kHatched, theme_.muted);
    ui::explain(theme_, Evidence::Estimated, "The 95 % intervals of both medians overlap.");
}

void Crossover::draw_rules() const {
    if (state_.fitted) {
        ui::small_wrapped(fmt::format("The fitted boundary misses {} of {} decided cells, {} when each is "
                                      "predicted from the others.",
                                      state_.fitted->misclassified, state_.fitted->decided,
                                      state_.fitted->left_out_misclassified),
                          theme_.muted);
        ui::explain(theme_, Evidence::Estimated,
                    "The boundary is a logistic regression on the decided cells: those where the 95 % intervals of both "
                    "medians do not overlap.");
    } else
        ui::small("No cell is decided: there is no boundary to fit.", theme_.muted);
    const ui::FontScope font(ui::small_font());
    if (!ImGui::BeginTable("rules", 2, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_RowBg))
        return;
    ImGui::TableSetupColumn("rule");
    ImGui::TableSetupColumn("costs", ImGuiTableColumnFlags_WidthStretch);
    for (const NamedRule &rule : state_.rules) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ui::text(rule.name);
        ImGui::TableNextColumn();
        ui::wrapped(sentence(map_, rule), rule.cost.wrong > 0 ? theme_.warning : theme_.muted);
        ui::explain(theme_, Evidence::Estimated,
                    "What following the rule in every cell costs against always taking the faster variant: from the "
                    "measured medians of the cells, whose samples and spread their hovers tell.");
    }
    ImGui::EndTable();
}

bool same_question(const CrossoverMap &a, const CrossoverMap &b) {
    return a.op == b.op && a.a == b.a && a.b == b.b && a.x == b.x && a.y == b.y;
}

bool changes(const CrossoverMap &map) {
    const auto won_by = [&](bool b) {
        return std::ranges::any_of(map.cells, [&](const CrossoverCell &cell) { return cell.decided && cell.b_wins() == b; });
    };
    return won_by(false) && won_by(true);
}

void find_maps(const ViewContext &context, CrossoverState &state) {
    if (state.session == context.session)
        return;
    state.session = context.session;
    const auto before = state.picked && state.chosen < state.maps.size() ? std::optional(state.maps[state.chosen]) : std::nullopt;
    state.maps = find_crossovers(*state.session);
    const auto kept = std::ranges::find_if(
        state.maps, [&](const CrossoverMap &map) { return before && same_question(map, *before); });
    state.picked = kept != state.maps.end();
    state.chosen = state.picked ? std::size_t(kept - state.maps.begin()) : default_map(state.maps);
    state.fitted_for = std::size_t(-1);
    if (!state.wanted)
        return;
    if (const Result<std::size_t> place = find_map(state.maps, *state.wanted)) {
        state.chosen = *place;
        state.picked = true;
        state.wanted.reset();
    }
}

void fit_chosen(CrossoverState &state) {
    if (state.fitted_for == state.chosen)
        return;
    state.fitted = fit_rule(state.maps[state.chosen]);
    state.rules = rules_of(state.maps[state.chosen], state.fitted);
    state.fitted_for = state.chosen;
}

void run_grid(CrossoverState &state, const Workload &workload, bool on_cpu, const SweepActions &actions) {
    auto plans = actions.plans(suggested_grid(workload, on_cpu));
    state.outcome = plans.ok() ? "" : plans.error().sentence();
    if (plans.ok())
        actions.run(plans.value());
}

void draw_choice(CrossoverState &state) {
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x * 0.6f);
    if (!ImGui::BeginCombo("##map", ui::fitted_in_combo(name_of(state.maps[state.chosen])).c_str()))
        return;
    for (std::size_t i = 0; i < state.maps.size(); ++i)
        if (ImGui::Selectable(fmt::format("{}##{}", name_of(state.maps[i]), i).c_str(), i == state.chosen)) {
            state.chosen = i;
            state.picked = true;
        }
    ImGui::EndCombo();
}

void write_heuristic(const ViewContext &context, CrossoverState &state) {
    const std::filesystem::path base =
        context.session->path.empty() ? std::filesystem::path("session")
                                      : std::filesystem::path(context.session->path).replace_extension();
    const CrossoverMap &map = state.maps[state.chosen];
    const std::string path =
        fmt::format("{}.{}.{}-{}.heuristic.json", base.string(), info(map.op).name, map.a, map.b);
    const Status status = export_heuristic(*context.session, map, path);
    state.outcome = status.ok() ? fmt::format("{} written.", path) : status.error().sentence();
}

} // namespace

std::size_t default_map(const std::vector<CrossoverMap> &maps) {
    const auto found = std::ranges::find_if(maps, changes);
    return found == maps.end() ? 0 : std::size_t(found - maps.begin());
}

void draw_crossover(const ViewContext &context, CrossoverState &state, const Workload &workload,
                    bool on_cpu, const SweepActions &actions) {
    find_maps(context, state);
    if (state.maps.empty()) {
        ui::empty_state(context.theme, "No grid of runs yet",
                        "Runs that differ in experts, the experts' size, tokens, rank or skew, "
                        "with two variants of an operator in each, show here where the faster "
                        "one changes. The first button runs what is chosen on the left over a grid of "
                        "experts and intermediate sizes.",
                        {{"Measure a grid", [&] { run_grid(state, workload, on_cpu, actions); }},
                         {"Show a recording", context.recording(ViewId::Crossover)}});
        if (!state.outcome.empty())
            ui::wrapped(state.outcome, context.theme.failure);
        return;
    }
    const auto button = [](const char *words) { return ui::text_width(words) + 2 * ImGui::GetStyle().FramePadding.x; };
    const float gap = ImGui::GetStyle().ItemSpacing.x;
    draw_choice(state);
    fit_chosen(state);
    ui::flow(button("Measure a grid"), gap);
    if (ImGui::Button("Measure a grid"))
        run_grid(state, workload, on_cpu, actions);
    ui::explain("Runs what is chosen on the left over a grid of experts and intermediate sizes.");
    ui::flow(button("Export heuristic"), gap);
    if (ImGui::Button("Export heuristic"))
        write_heuristic(context, state);
    ui::explain("Writes this map, its fitted rule and what the rules cost as JSON, beside the "
                "session's file.");
    const CrossoverMap &map = state.maps[state.chosen];
    ui::small_wrapped(map.held + ", on " + context.session->runs[map.first.value].device.name, context.theme.muted);
    ui::explain(context.theme, Evidence::Reported, "What all runs of the grid have in common.");
    for (const std::string &words : {fastest_words(*context.session, map), families_words(*context.session, map)})
        if (!words.empty()) {
            ui::wrapped(words, context.theme.warning);
            ui::explain(context.theme, Evidence::Estimated, "From the medians and tiles of the cells' measurements.");
        }
    if (!state.outcome.empty())
        ui::small(state.outcome, context.theme.muted);
    Crossover view(context, state, map);
    {
        const PlotArea area(context, "crossover", name_of(map), [&] { return crossover_csv(map); });
        view.draw_legend();
        view.draw_plot();
    }
    view.draw_rules();
}

} // namespace moescope
