// Group-limited sigmoid routing of one token's real logits.
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/group_routing.h"
#include "app/lessons/figures/parts.h"
#include "app/lessons/router_row.h"
#include "kernels/routing/routing_math.h"

#include <functional>

namespace moescope::lessons {

namespace {

constexpr float kTop = 30, kBars = 130, kBase = kTop + kBars, kScores = kBase + 16, kSlots = kScores + 20, kSlot = 24;

struct Picture {
    const ModelShape &model;
    const RouterRow &row;
    GroupRouting routing;

    int per_group() const { return model.experts / model.groups; }
    bool kept(int group) const { return std::ranges::find(routing.kept, group) != routing.kept.end(); }
    // One of the scores that its group is worth.
    bool best_of_group(int expert) const {
        const float *first = &routing.scores[std::size_t(expert / per_group() * per_group())];
        const float own = routing.scores[std::size_t(expert)];
        const auto better = std::count_if(first, first + per_group(), [&](float score) { return score > own; });
        return better < (model.group_score == GroupScore::Top2Sum ? 2 : 1);
    }
    bool chosen(int expert, int choices) const {
        const auto last = row.ids.begin() + choices;
        return std::find(row.ids.begin(), last, expert) != last;
    }
};

// What of it a frame shows.
struct View {
    bool scores = false, groups = false, limited = false;
    int choices = 0;
    bool weights = false;
};

void draw_experts(Pen &pen, const Picture &picture, const View &view) {
    const auto &values = view.scores ? picture.routing.scores : picture.row.logits;
    const BarScale scale = BarScale::of(values, kBase, kBars);
    pen.line(kMargin, scale.y(0), kFigureWidth - kMargin, scale.y(0), Ink::Line, "zero");
    const Columns groups{picture.model.groups};
    for (int e = 0; e < picture.model.experts; ++e) {
        const int group = e / picture.per_group();
        const Columns columns{picture.per_group(), groups.x(group) + 3, groups.x(group + 1) - 5};
        const bool on = picture.chosen(e, view.choices);
        Shape &bar = scale.bar(pen, columns.x(e % picture.per_group()), columns.width(), values[std::size_t(e)],
                               on ? Ink::Good : Ink::Accent, expert_key(e));
        if (view.groups && !view.limited && picture.best_of_group(e))
            bar.ink = Ink::Warning;
        bar.alpha = view.limited && !picture.kept(group) ? 0.15f : view.choices > 0 && !on ? 0.5f : 1.0f;
    }
}

void draw_groups(Pen &pen, const Picture &picture, const View &view) {
    const Columns groups{picture.model.groups};
    for (int g = 0; g < picture.model.groups; ++g) {
        const bool out = view.limited && !picture.kept(g);
        pen.outline(groups.x(g), kTop - 8, groups.step() - 4, kBars + 10, view.limited && !out ? Ink::Good : Ink::Line);
        pen.words(groups.middle(g) - 2, 12, fmt::format("group {}", g), out ? Ink::Muted : Ink::Text).h = 12;
        if (view.groups)
            pen.words(groups.middle(g) - 2, kScores, fmt::format("{:.3f}", picture.routing.group_scores[std::size_t(g)]),
                      out ? Ink::Muted : Ink::Text)
                .bold = !out;
    }
}

void draw_choices(Pen &pen, const Picture &picture, const View &view) {
    const Columns slots{picture.model.top_k};
    for (int k = 0; k < view.choices; ++k) {
        const int expert = picture.row.ids[std::size_t(k)];
        const float value =
            view.weights ? picture.row.weights[std::size_t(k)] : picture.routing.scores[std::size_t(expert)];
        cell(pen, slots.x(k), kSlots, slots.width(), kSlot, Ink::Good, fmt::format("{}: {:.3f}", expert, value),
             "slot" + std::to_string(k));
    }
}

} // namespace

GroupRouting group_routing(const ModelShape &model, const std::vector<float> &logits) {
    GroupRouting routing;
    for (const float logit : logits)
        routing.scores.push_back(sigmoid(logit));
    const int per_group = model.experts / model.groups;
    for (int g = 0; g < model.groups; ++g) {
        std::vector<float> best(routing.scores.begin() + g * per_group, routing.scores.begin() + (g + 1) * per_group);
        std::ranges::sort(best, std::greater<>());
        const bool two = model.group_score == GroupScore::Top2Sum && best.size() > 1;
        routing.group_scores.push_back(two ? best[0] + best[1] : best[0]);
    }
    std::vector<int> order(std::size_t(model.groups));
    for (int g = 0; g < model.groups; ++g)
        order[std::size_t(g)] = g;
    std::ranges::stable_sort(order, std::greater<>(), [&](int g) { return routing.group_scores[std::size_t(g)]; });
    routing.kept.assign(order.begin(), order.begin() + model.groups_kept);
    return routing;
}

Figure group_limited_figure(const FigureInputs &inputs) {
    const ModelShape &model = inputs.workload.model;
    const auto rows = router_rows(inputs.workload, 1);
    if (rows.empty() || model.groups < 2)
        return nothing_to_show("The model's experts form no groups.");
    const Picture picture{model, rows.front(), group_routing(model, rows.front().logits)};
    Figure figure;
    figure.height = kSlots + kSlot + 12;
    const auto add = [&](std::string caption, const View &view) {
        Pen pen = next_frame(figure, std::move(caption));
        draw_groups(pen, picture, view);
        draw_experts(pen, picture, view);
        draw_choices(pen, picture, view);
    };
    add(fmt::format("Token 0's logits of {} experts, in {} groups of {}. (The model's correction bias, which shifts "
                    "the choice but not the weights, is left out of the picture.)",
                    model.experts, model.groups, picture.per_group()),
        {});
    add("Each logit becomes a score of its own: 1 / (1 + exp(−x)). No sum over the row, so no expert's score depends "
        "on another's.",
        {.scores = true});
    const bool top2 = model.group_score == GroupScore::Top2Sum;
    add(fmt::format("A group is worth {}: the numbers below.", top2 ? "the sum of its two best scores" : "its best score"),
        {.scores = true, .groups = true});
    std::string names;
    for (const int group : picture.routing.kept)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", group);
    add(fmt::format("Only the {} best groups stay: {}. Where each group's experts live on a node of their own, a token "
                    "then travels to {} nodes at most.",
                    model.groups_kept, names, model.groups_kept),
        {.scores = true, .groups = true, .limited = true});
    for (int k = 1; k <= model.top_k; ++k)
        add(fmt::format("Choice {} of {}, among the kept groups: expert {} of group {}, with the score {:.4f}.", k,
                        model.top_k, picture.row.ids[std::size_t(k - 1)],
                        picture.row.ids[std::size_t(k - 1)] / picture.per_group(),
                        picture.routing.scores[std::size_t(picture.row.ids[std::size_t(k - 1)])]),
            {.scores = true, .groups = true, .limited = true, .choices = k});
    add(fmt::format("The weights: the chosen scores over their sum, times {:g}, as the references compute them.",
                    model.routed_scaling),
        {.scores = true, .groups = true, .limited = true, .choices = model.top_k, .weights = true});
    return figure;
}

} // namespace moescope::lessons
