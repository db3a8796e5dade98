#include "app/charts/series.h"
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

struct Order {
    std::vector<std::int32_t> experts; // expert at each place
    std::vector<std::int32_t> places;  // place of each expert
};

Order order_of(const RoutingRecord &routing, bool sorted) {
    Order order{experts_in_order(routing.counts, sorted),
                std::vector<std::int32_t>(routing.counts.size())};
    for (std::size_t place = 0; place < order.experts.size(); ++place)
        order.places[std::size_t(order.experts[place])] = std::int32_t(place);
    return order;
}

bool lit(const Selection &selection, std::int32_t expert) {
    return selection.hovered_expert == expert || selection.expert == expert;
}

std::string explain_expert(const RoutingRecord &routing, const LoadStats &stats,
                           std::int32_t expert) {
    const std::int32_t count = routing.counts[std::size_t(expert)];
    return fmt::format("Expert {}: {} slots, {:.2f} % of all, {} the mean; counted in this run's routing, all of its tokens.", expert,
                       format_count(count),
                       100.0 * count / std::max<double>(1, double(stats.slots)),
                       stats.mean > 0 ? format_ratio(count / stats.mean) : "–");
}

// True where the pointer is on it.
bool draw_mean(const charts::Plot &plot, double mean, const Theme &theme) {
    const float y = std::floor(float(plot.y.to_pixel(mean))) + 0.5f;
    plot.draw->AddLine({plot.low.x, y}, {plot.high.x, y}, packed(theme.text, 0.55f));
    const std::string text = fmt::format("mean {}", charts::format(mean, charts::Unit::Number));
    const ui::FontScope font(ui::small_font());
    const float width = ImGui::CalcTextSize(text.c_str()).x;
    const ImVec2 at{plot.high.x - width - 4, y - ImGui::GetTextLineHeight() - 1};
    plot.draw->AddRectFilled({at.x - 3, at.y}, {plot.high.x, y - 1}, packed(theme.background, 0.8f), 3);
    plot.draw->AddText(at, packed(theme.text), text.c_str());
    return plot.hovered && (std::fabs(plot.mouse.y - y) < 3 || ImGui::IsMouseHoveringRect(at, {plot.high.x, y}));
}

charts::Plot draw_bars(const ViewContext &context, RoutingState &state,
                       const RoutingRecord &routing, const LoadStats &stats, const Order &order,
                       float margin) {
    const double experts = double(routing.counts.size());
    charts::PlotSpec spec;
    spec.x = {.labelled = false, .fit = {-0.5, experts - 0.5}};
    spec.y = {.title = "slots an expert",
              .unit = charts::Unit::Count,
              .movable = false,
              .fit = {0, std::max(1.0, double(stats.most) * 1.08)}};
    spec.y.explain = "A slot is one token's choice of one expert: tokens × top-k slots in all, counted in this run's routing.";
    spec.y.evidence = Evidence::Measured;
    spec.left_margin = margin;
    const ImVec2 size{ImGui::GetContentRegionAvail().x, 150 * context.scale};
    charts::Plot plot =
        charts::begin_plot("load", size, spec, state.plot, context.theme, context.scale);
    std::vector<double> values;
    for (const std::int32_t expert : order.experts)
        values.push_back(routing.counts[std::size_t(expert)]);
    const auto hovered = charts::draw_bars(plot, values, [&](std::size_t place) {
        const bool on = lit(context.selection, order.experts[place]);
        return packed(on ? context.theme.text : context.theme.accent, on ? 1.0f : 0.8f);
    });
    const bool on_mean = draw_mean(plot, stats.mean, context.theme);
    if (on_mean)
        ui::tooltip(context.theme, Evidence::Reported,
                    fmt::format("The mean: {} slots over {} experts, as this run's plan has them.",
                                format_count(double(stats.slots)), routing.counts.size()));
    if (hovered) {
        const std::int32_t expert = order.experts[*hovered];
        context.selection.next_hovered_expert = expert;
        if (!on_mean)
            ui::tooltip(context.theme, Evidence::Measured, explain_expert(routing, stats, expert));
        if (plot.clicked)
            context.selection.expert = context.selection.expert == expert ? -1 : expert;
    }
    charts::end_plot(plot, state.plot, context.theme);
    return plot;
}

// Curves from a row of tokens at the bottom up to their experts' places under the bars.
class Flow {
  public:
    Flow(const ViewContext &context, RoutingState &state, const RoutingRecord &routing,
         const Order &order, const charts::Plot &bars)
        : context_(context), state_(state), routing_(routing), order_(order), bars_(bars),
          tokens_(int(routing.sample_ids.size()) / std::max(1, routing.top_k)) {}

    void draw() {
        const float line = ImGui::GetTextLineHeight(), height = 96 * context_.scale;
        top_ = ImGui::GetCursorScreenPos().y;
        bottom_ = top_ + height;
        ImGui::SetCursorScreenPos({bars_.low.x, top_});
        const ImVec2 size{std::max(1.0f, bars_.high.x - bars_.low.x), height + line};
        ImGui::InvisibleButton("flow", size);
        ui::note_chart("flow", {bars_.low.x, top_}, {bars_.low.x + size.x, top_ + size.y});
        find_hovered(ImGui::IsItemHovered(), line);
        auto &draw = *ImGui::GetWindowDrawList();
        draw.PushClipRect({bars_.low.x, top_}, {bars_.high.x, bottom_ + line}, true);
        for (const bool emphasised : {false, true}) // the marked ones over the others
            for (int token = 0; token < tokens_; ++token)
                draw_token(draw, token, emphasised);
        draw.PopClipRect();
        explain();
    }

  private:
    float x_of(int token) const {
        return bars_.low.x + (bars_.high.x - bars_.low.x) * (float(token) + 0.5f) / float(tokens_);
    }
    std::int32_t expert(int token, int k) const {
        return routing_.sample_ids[std::size_t(token * routing_.top_k + k)];
    }
    void find_hovered(bool hovered, float line) {
        const ImVec2 mouse = ImGui::GetIO().MousePos;
        state_.hovered_token = -1;
        if (!hovered)
            return;
        state_.hovered_token =
            mouse.y > bottom_ - line * 1.5f
                ? std::clamp(int((mouse.x - bars_.low.x) / (bars_.high.x - bars_.low.x) * float(tokens_)), 0, tokens_ - 1)
                : token_of_curve(mouse);
    }
    // Whose curve is nearest; -1 where none is near. At one height all curves are equally far along.
    int token_of_curve(ImVec2 mouse) const {
        const float middle = (top_ + bottom_) / 2;
        float low = 0, high = 1;
        for (int i = 0; i < 20; ++i) {
            const float t = (low + high) / 2, u = 1 - t;
            const float y = bottom_ * u * u * u + 3 * u * t * middle + top_ * t * t * t;
            (y > mouse.y ? low : high) = t;
        }
        const float share = high * high * (3 - 2 * high); // of the way from the token to the expert
        const float rest = 1 - high;
        const float climb = 3 * (bottom_ * rest * rest - (1 - 2 * high) * middle - top_ * high * high); // pixels up and
        const float advance = 6 * high * rest;                                                           // share, as t grows
        float best = 4 * context_.scale;
        int nearest = -1;
        for (int token = 0; token < tokens_; ++token)
            for (int k = 0; k < routing_.top_k; ++k) {
                const std::int32_t to = expert(token, k);
                if (to < 0 || std::size_t(to) >= order_.places.size())
                    continue;
                const float target = float(bars_.x.to_pixel(order_.places[std::size_t(to)]));
                const float way = target - x_of(token);
                const float lean = climb > 0 ? way * advance / climb : 0; // few tokens: their curves lie flat
                const float away = std::fabs(x_of(token) + way * share - mouse.x) / std::sqrt(1 + lean * lean);
                if (away < best) {
                    best = away;
                    nearest = token;
                }
            }
        return nearest;
    }
    void draw_token(ImDrawList &draw, int token, bool emphasised) {
        const bool any = state_.hovered_token >= 0 || context_.selection.hovered_expert >= 0 ||
                         context_.selection.expert >= 0;
        const float x = x_of(token), reach = (bottom_ - top_) * 0.5f;
        for (int k = 0; k < routing_.top_k; ++k) {
            const std::int32_t to = expert(token, k);
            if (to < 0 || std::size_t(to) >= order_.places.size())
                continue;
            const bool on = token == state_.hovered_token || lit(context_.selection, to);
            if (on != emphasised)
                continue;
            const float target = float(bars_.x.to_pixel(order_.places[std::size_t(to)]));
            const ImU32 colour = on ? packed(context_.theme.text, 0.9f)
                                    : packed(context_.theme.accent, any ? 0.10f : 0.28f);
            draw.AddBezierCubic({x, bottom_}, {x, bottom_ - reach}, {target, top_ + reach},
                                {target, top_}, colour, on ? 1.5f * context_.scale : 1.0f, 20);
        }
        if (emphasised)
            draw.AddCircleFilled(
                {x, bottom_}, (token == state_.hovered_token ? 4 : 2.5f) * context_.scale,
                packed(token == state_.hovered_token ? context_.theme.text : context_.theme.muted));
    }
    void explain() const {
        if (state_.hovered_token < 0)
            return;
        std::string text = fmt::format("Token {} goes to experts", state_.hovered_token);
        for (int k = 0; k < routing_.top_k; ++k)
            text += fmt::format("{} {}", k ? "," : "", expert(state_.hovered_token, k));
        ui::tooltip(context_.theme, Evidence::Measured, text + ", as this run's routing chose.");
    }

    const ViewContext &context_;
    RoutingState &state_;
    const RoutingRecord &routing_;
    const Order &order_;
    const charts::Plot &bars_;
    int tokens_;
    float top_ = 0, bottom_ = 0;
};

} // namespace

void draw_load(const ViewContext &context, RoutingState &state, const RoutingRecord &routing,
               const LoadStats &stats) {
    const Order order = order_of(routing, state.sorted);
    const ui::FontScope font(ui::small_font());
    const float margin = ImGui::CalcTextSize("1,000,000").x;
    const charts::Plot bars = draw_bars(context, state, routing, stats, order, margin);
    if (routing.sample_ids.empty() || routing.top_k < 1)
        return;
    ImGui::SetCursorPosY(ImGui::GetCursorPosY() - ImGui::GetStyle().ItemSpacing.y);
    Flow(context, state, routing, order, bars).draw();
    ui::text(fmt::format("the first {} tokens' choices",
                         routing.sample_ids.size() / std::size_t(routing.top_k)),
             context.theme.muted);
    ui::explain(
        context.theme, Evidence::Reported,
        "Each curve is one slot: a token below, its expert above. Hover a token or an expert "
        "to follow its curves.");
}

} // namespace moescope
