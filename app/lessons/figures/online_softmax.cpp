// Online softmax and entropy: one read of a row, with sums that are rescaled when a larger logit comes.
#include "app/lessons/figures/online_softmax.h"

#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "kernels/inputs/inputs.h"
#include "profiler/base/units.h"

#include <vector>

namespace moescope::lessons {

namespace {

constexpr int kBlocks = 8, kBlock = 8, kShown = kBlocks * kBlock;
constexpr float kTop = 22, kBars = 120, kBase = kTop + kBars, kState = kBase + 34;
constexpr float kScale = 8;                 // logits in [-8, 8), as the operator's inputs
constexpr std::uint32_t kTensor = 0x10600d; // a stream of the picture's own

std::vector<float> logits_of(const Workload &workload) {
    std::vector<float> logits(kShown);
    const FillUniformArgs args{logits.data(), MS_F32, kShown, workload.seed, kTensor, kScale};
    if (reference::fill_uniform(&args, nullptr))
        logits.clear();
    // The row climbs, so that the maximum moves more than once.
    for (std::size_t i = 0; i < logits.size(); ++i)
        logits[i] = logits[i] / 2 + float(i) / float(kBlock) - kBlocks / 2;
    return logits;
}

void draw_row(Pen &pen, const std::vector<float> &logits, int blocks, double largest) {
    const Columns columns{kShown};
    const auto [low, high] = std::ranges::minmax(logits);
    const auto height = [&](double x) { return 4 + (kBars - 4) * float((x - low) / std::max(1e-6f, high - low)); };
    for (int i = 0; i < kShown; ++i) {
        const int block = i / kBlock;
        Shape &bar = pen.box(columns.x(i), kBase - height(logits[std::size_t(i)]), columns.width(),
                             height(logits[std::size_t(i)]), block + 1 == blocks ? Ink::Good : Ink::Accent);
        bar.alpha = block < blocks ? (block + 1 == blocks ? 1.0f : 0.6f) : 0.18f;
    }
    for (int block = 0; block < kBlocks; ++block)
        pen.words((columns.x(block * kBlock) + columns.x((block + 1) * kBlock)) / 2, kBase + 11,
                  fmt::format("block {}", block), block + 1 == blocks ? Ink::Text : Ink::Muted)
            .h = 11;
    if (blocks == 0)
        return;
    const float y = kBase - height(largest);
    pen.line(kMargin, y, kFigureWidth - kMargin, y, Ink::Warning, "max");
    pen.words(kMargin + 2, y - 9, fmt::format("m = {:.3f}", largest), Ink::Warning, Shape::Align::Left, "max'");
}

void draw_state(Pen &pen, const RunningSoftmax &state) {
    const std::pair<const char *, std::string> cells[] = {
        {"m, the largest", fmt::format("{:.4f}", state.largest)},
        {"sums were times", fmt::format("{:.4f}", state.rescale)},
        {"S", fmt::format("{:.4f}", state.mass)},
        {"W", fmt::format("{:.4f}", state.weighted)},
        {"entropy so far", fmt::format("{:.4f}", state.entropy())}};
    const Columns columns{int(std::size(cells))};
    for (int i = 0; i < columns.count; ++i) {
        pen.words(columns.middle(i), kState, cells[i].first, Ink::Muted).h = 12;
        const bool rescaled = i == 1 && state.rescale != 1;
        pen.box(columns.x(i), kState + 12, columns.width() - 4, 26, rescaled ? Ink::Warning : Ink::Raised).alpha =
            rescaled ? 0.4f : 1;
        pen.words(columns.middle(i) - 2, kState + 25, cells[i].second).bold = true;
    }
}

} // namespace

void RunningSoftmax::take(std::span<const float> block) {
    double most = largest;
    for (const float x : block)
        most = std::max(most, double(x));
    if (most == -INFINITY)
        return;
    const double down = largest == -INFINITY ? 0 : largest - most; // how far the old maximum falls behind
    rescale = mass > 0 ? std::exp(down) : 1;
    weighted = rescale * (weighted + down * mass);
    mass *= rescale;
    largest = most;
    for (const float x : block) {
        if (x == -INFINITY)
            continue;
        const double term = std::exp(double(x) - most);
        mass += term;
        weighted += term * (double(x) - most);
    }
}

Figure online_softmax_figure(const FigureInputs &inputs) {
    const std::vector<float> logits = logits_of(inputs.workload);
    Figure figure;
    figure.height = kState + 50;
    Pen pen = next_frame(figure, fmt::format("{} logits of a row, in blocks of {} as they are read. (A real row has the "
                                             "vocabulary's {}; these are drawn from the workload's seed, and made to climb.)",
                                             kShown, kBlock, format_count(inputs.workload.model.vocab)));
    draw_row(pen, logits, 0, 0);
    RunningSoftmax state;
    for (int block = 0; block < kBlocks; ++block) {
        state.take(std::span(logits).subspan(std::size_t(block * kBlock), kBlock));
        const std::string what =
            block == 0              ? "The first block sets the maximum; each term is at most 1."
            : state.rescale != 1    ? fmt::format("A larger logit has come: what was summed before was taken against the old "
                                                  "maximum, and is multiplied by exp(old − new) = {:.4f}.",
                                                  state.rescale)
                                    : std::string("No larger logit: the block's terms are just added.");
        pen = next_frame(figure, fmt::format("Block {} of {}. {}", block + 1, kBlocks, what));
        draw_row(pen, logits, block + 1, state.largest);
        draw_state(pen, state);
    }
    pen = next_frame(figure, fmt::format("One read, and all is there: log-sum-exp m + log S = {:.4f}, the log-probability of "
                                         "any token x − that, and the entropy log S − W / S = {:.4f}.",
                                         state.log_sum_exp(), state.entropy()));
    draw_row(pen, logits, kBlocks + 1, state.largest);
    draw_state(pen, state);
    return figure;
}

} // namespace moescope::lessons
