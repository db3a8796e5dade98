// A block's merge sort of one token's logits, round by round.
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "app/lessons/figures/sorting.h"
#include "app/lessons/router_row.h"
#include "kernels/routing/order_key.h"

namespace moescope::lessons {

namespace {

constexpr float kTop = 14, kBars = 150, kBase = kTop + kBars, kRuns = kBase + 8;

void draw_keys(Pen &pen, const MergeRound &round, float low, float high, int chosen) {
    const Columns columns{int(round.keys.size())};
    for (int i = 0; i < columns.count; ++i) {
        const std::uint64_t key = round.keys[std::size_t(i)];
        if (key == 0) { // no expert: sorts last
            pen.box(columns.x(i), kBase - 2, columns.width(), 2, Ink::Line);
            continue;
        }
        const float height = 5 + (kBars - 5) * (rank_key_value(key) - low) / std::max(1e-6f, high - low);
        Shape &bar = pen.box(columns.x(i), kBase - height, columns.width(), height, i < chosen ? Ink::Good : Ink::Series,
                             expert_key(rank_key_index(key)));
        bar.series = i / round.run % 2;
    }
}

// A bracket under every run, in the colour of its bars.
void draw_runs(Pen &pen, const MergeRound &round) {
    const Columns columns{int(round.keys.size())};
    for (int i = 0; i < columns.count && columns.step() * float(round.run) > 3; i += round.run) {
        const float from = columns.x(i) + 1, to = columns.x(i + round.run) - 2;
        pen.line(from, kRuns, to, kRuns, Ink::Series).series = i / round.run % 2;
        if (to - from > 96) // room for the words, also where the picture is small
            pen.words((from + to) / 2, kRuns + 12, fmt::format("{} in order", round.run), Ink::Muted);
    }
}

std::string caption_of(const MergeRound &round, std::size_t number, BlockShape shape) {
    if (number == 0)
        return fmt::format("A block of {} threads loads the row: thread t holds the keys t and t + {}{}. Each bar is a "
                           "logit; neighbours of one colour belong to one sorted run, so far of one key each.",
                           shape.threads, shape.threads, shape.items > 2 ? ", and so on" : "");
    if (number == 1)
        return fmt::format("Every thread sorts its own {} keys in registers: {} runs of {}.", shape.items, shape.threads,
                           shape.items);
    const int threads = round.run / shape.items;
    return fmt::format("Round {}: {} threads merge two runs of {} into one of {}. Each finds by a binary search in shared "
                       "memory where its {} keys of the result begin in both runs, then merges only those. A barrier "
                       "ends the round.",
                       number - 1, threads, round.run / 2, round.run, shape.items);
}

} // namespace

Figure block_merge_sort_figure(const FigureInputs &inputs) {
    const auto rows = router_rows(inputs.workload, 1);
    if (rows.empty())
        return nothing_to_show("The workload's router has no logits to sort.");
    const std::vector<float> &logits = rows.front().logits;
    const BlockShape shape = block_shape(int(logits.size()));
    const float low = *std::ranges::min_element(logits), high = *std::ranges::max_element(logits);
    Figure figure;
    figure.height = kRuns + 30;
    const auto rounds = merge_rounds(rank_keys(logits), shape);
    const auto add = [&](std::string caption, const MergeRound &round, int chosen) {
        Pen pen = next_frame(figure, std::move(caption));
        draw_keys(pen, round, low, high, chosen);
        draw_runs(pen, round);
    };
    for (std::size_t i = 0; i < rounds.size(); ++i)
        add(caption_of(rounds[i], i, shape), rounds[i], 0);
    const int top_k = inputs.workload.model.top_k;
    add(fmt::format("One run is left after {} rounds. Its first {} keys are the token's experts, the best of them "
                    "expert {}; the other {} keys were sorted for nothing.",
                    rounds.size() - 2, top_k, rank_key_index(rounds.back().keys[0]), int(logits.size()) - top_k),
        rounds.back(), top_k);
    return figure;
}

} // namespace moescope::lessons
