// Softmax, then top-k, of one token's real logits.
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "app/lessons/router_row.h"

#include <cmath>
#include <numeric>

namespace moescope::lessons {

namespace {

constexpr float kTop = 18, kBars = 138, kBase = kTop + kBars, kNames = kBase + 12, kSlots = kNames + 22, kSlot = 26;
constexpr float kAxis = 50; // left of the bars: their values

struct Row {
    const RouterRow &routed;
    float largest, smallest;
    double mass = 0;
    std::vector<double> terms; // exp(logit - largest)

    explicit Row(const RouterRow &row)
        : routed(row), largest(*std::ranges::max_element(row.logits)), smallest(*std::ranges::min_element(row.logits)) {
        for (const float logit : row.logits)
            terms.push_back(std::exp(double(logit) - double(largest)));
        mass = std::accumulate(terms.begin(), terms.end(), 0.0);
    }
    int experts() const { return int(terms.size()); }
    double share(int expert) const { return terms[std::size_t(expert)] / mass; }
};

Columns bar_columns(int experts) { return {experts, kAxis + 6}; }

// 0 and the ends of the bars, as far as there is room for the words.
void draw_axis(Pen &pen, const BarScale &scale, std::string (*words)(double)) {
    constexpr float kApart = 13;
    const float zero = scale.y(0);
    pen.line(kAxis, zero, kFigureWidth - kMargin, zero, Ink::Line, "zero");
    pen.words(kAxis - 4, zero, "0", Ink::Muted, Shape::Align::Right).h = 11;
    for (const float value : {scale.low, scale.high})
        if (std::abs(scale.y(value) - zero) > kApart)
            pen.words(kAxis - 4, scale.y(value), words(value), Ink::Muted, Shape::Align::Right).h = 11;
}

// A bar for each expert; the first `chosen` of the token stand out.
void draw_bars(Pen &pen, const Row &row, const std::vector<double> &values, int chosen, std::string (*words)(double)) {
    const Columns columns = bar_columns(row.experts());
    const BarScale scale = BarScale::of(values, kBase, kBars);
    draw_axis(pen, scale, words);
    for (int e = 0; e < row.experts(); ++e) {
        const auto last = row.routed.ids.begin() + chosen;
        const bool on = std::find(row.routed.ids.begin(), last, e) != last;
        scale.bar(pen, columns.x(e), columns.width(), float(values[std::size_t(e)]), on ? Ink::Good : Ink::Accent, expert_key(e))
            .alpha = on || chosen == 0 ? 1.0f : 0.55f;
        const int every = std::max(1, int(std::ceil((row.experts() > 100 ? 38 : 22) / columns.step())));
        if (e % every == 0)
            pen.words(columns.middle(e), kNames, std::to_string(e), Ink::Muted).h = 11;
    }
}

// The experts chosen so far, in a row under the bars: they come down from their bars.
void draw_chosen(Pen &pen, const Row &row, int chosen, const std::vector<std::string> &values) {
    const Columns bars = bar_columns(row.experts()), slots{int(row.routed.ids.size())};
    const float width = std::min(slots.width(), 90.0f);
    for (int k = 0; k < int(row.routed.ids.size()); ++k) {
        const int expert = row.routed.ids[std::size_t(k)];
        const std::string key = "slot" + std::to_string(k);
        if (k >= chosen) { // waits, unseen, at its bar
            pen.box(bars.x(expert), kBase - 8, bars.width(), 8, Ink::Good, key).alpha = 0;
            continue;
        }
        Shape &box = pen.box(slots.middle(k) - width / 2, kSlots, width, kSlot, Ink::Good, key);
        box.alpha = 0.35f;
        pen.words(slots.middle(k), kSlots + kSlot / 2, fmt::format("{}", expert)).bold = true;
        if (slots.step() > 55) // else the captions alone say them
            pen.words(slots.middle(k), kSlots + kSlot + 12, values[std::size_t(k)], Ink::Muted).h = 12;
    }
}

std::string one_digit(double value) { return fmt::format("{:.1f}", value); }
std::string whole_percent(double share) { return fmt::format("{:.0f} %", 100 * share); }
std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

} // namespace

Figure softmax_topk_figure(const FigureInputs &inputs) {
    const auto rows = router_rows(inputs.workload, 1);
    if (rows.empty())
        return nothing_to_show("The workload's router has no logits.");
    const Row row(rows.front());
    const int top_k = int(row.routed.ids.size());
    std::vector<double> logits, shares;
    for (int e = 0; e < row.experts(); ++e) {
        logits.push_back(double(row.routed.logits[std::size_t(e)]));
        shares.push_back(row.share(e));
    }
    const double tallest = *std::ranges::max_element(shares);
    std::vector<std::string> share_texts, weight_texts;
    double kept = 0;
    for (int k = 0; k < top_k; ++k) {
        share_texts.push_back(percent(row.share(row.routed.ids[std::size_t(k)])));
        weight_texts.push_back(fmt::format("{:.3f}", row.routed.weights[std::size_t(k)]));
        kept += row.share(row.routed.ids[std::size_t(k)]);
    }

    Figure figure;
    figure.height = kSlots + kSlot + 24;
    const auto add = [&](std::string caption, const std::vector<double> &bars, int chosen,
                         const std::vector<std::string> &values, std::string (*words)(double) = whole_percent) {
        Pen pen = next_frame(figure, std::move(caption));
        draw_bars(pen, row, bars, chosen, words);
        draw_chosen(pen, row, chosen, values);
    };
    add(fmt::format("Token 0's logits of {} experts, from {:.2f} to {:.2f}: what the router's matrix product gave.",
                    row.experts(), row.smallest, row.largest),
        logits, 0, share_texts, one_digit);
    add(fmt::format("exp(x − {:.2f}): the largest logit is taken off first, so that its term is exactly 1 and none can "
                    "overflow.",
                    row.largest),
        row.terms, 0, share_texts, one_digit);
    add(fmt::format("Divided by their sum, {:.3f}, the terms are the softmax: the tallest bar is now {}.", row.mass,
                    percent(tallest)),
        shares, 0, share_texts);
    for (int k = 1; k <= top_k; ++k)
        add(fmt::format("Choice {} of {}: expert {} has the largest share of those left, {}.", k, top_k,
                        row.routed.ids[std::size_t(k - 1)], share_texts[std::size_t(k - 1)]),
            shares, k, share_texts);
    const bool renormalised = inputs.workload.model.renorm != Renorm::None;
    add(fmt::format("{} The weights, as the references compute them, stand under the experts.",
                    renormalised ? fmt::format("The {} shares kept add up to {}: divided by that, they add up to 1.",
                                               top_k, percent(kept))
                                 : fmt::format("The model does not divide again: its {} weights add up to {}.", top_k,
                                               percent(kept))),
        shares, top_k, weight_texts);
    return figure;
}

} // namespace moescope::lessons
