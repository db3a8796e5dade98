// Backward without atomics: the same numbers, added as they come or in a fixed order.
#include "app/lessons/figures/ordered_sums.h"

#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "app/lessons/router_row.h"
#include "kernels/inputs/counter_hash.h"

#include <bit>
#include <numeric>

namespace moescope::lessons {

namespace {

constexpr int kChunks = 8, kRowsPerChunk = 16, kRuns = 3;
constexpr float kTop = 34, kChip = 38;

std::vector<float> chunk_sums(const Workload &workload) {
    const std::vector<float> rows = contributions(workload, kChunks * kRowsPerChunk);
    std::vector<float> chunks(kChunks, 0.0f);
    for (std::size_t i = 0; i < rows.size(); ++i)
        chunks[i * kChunks / rows.size()] += rows[i];
    return chunks;
}

std::string bits_of(float value) { return fmt::format("{:08x}", std::bit_cast<std::uint32_t>(value)); }

struct Lane { // one way to add them up
    const char *name;
    std::vector<int> order;
    std::vector<float> sums;
};

void draw_lane(Pen &pen, const Lane &lane, const std::vector<float> &chunks, float top, int added, const std::string &prefix) {
    const Columns columns{kChunks, kMargin, kFigureWidth - 230};
    pen.words(kMargin, top - 18, lane.name, Ink::Text, Shape::Align::Left).bold = true;
    for (int place = 0; place < kChunks; ++place) {
        const int chunk = lane.order[std::size_t(place)];
        const bool in = place < added;
        Shape &box = pen.box(columns.x(place), top, columns.step() - 4, kChip, in ? Ink::Series : Ink::Raised,
                             prefix + std::to_string(chunk));
        box.series = chunk;
        box.alpha = in ? 0.7f : 1.0f;
        pen.words(columns.middle(place) - 2, top + 11, fmt::format("#{}", chunk), in ? Ink::Text : Ink::Muted,
                  Shape::Align::Centre, prefix + std::to_string(chunk) + "n")
            .h = 10;
        pen.words(columns.middle(place) - 2, top + 27, fmt::format("{:.5g}", chunks[std::size_t(chunk)]),
                  in ? Ink::Text : Ink::Muted, Shape::Align::Centre, prefix + std::to_string(chunk) + "v")
            .h = 10;
    }
    if (added > 0) {
        const float sum = lane.sums[std::size_t(added - 1)];
        pen.words(kFigureWidth - kMargin, top + 10, fmt::format("{:.7f}", sum), Ink::Text, Shape::Align::Right).bold = true;
        pen.words(kFigureWidth - kMargin, top + 29, "bits " + bits_of(sum), Ink::Muted, Shape::Align::Right);
    }
}

void draw_results(Pen &pen, const std::vector<Lane> &runs, const Lane &fixed, float top) {
    for (std::size_t run = 0; run < runs.size(); ++run) {
        const float sum = runs[run].sums.back(), x = kMargin + 245 * float(run);
        const bool same = sum == fixed.sums.back();
        pen.words(x, top, fmt::format("run {} as they end: {}", run + 1, bits_of(sum)), same ? Ink::Muted : Ink::Warning,
                  Shape::Align::Left);
        pen.words(x, top + 20, fmt::format("run {} in order: {}", run + 1, bits_of(fixed.sums.back())), Ink::Good,
                  Shape::Align::Left);
    }
}

} // namespace

std::vector<float> contributions(const Workload &workload, int rows) {
    Workload enough = workload; // the picture needs its rows, however few the batch has
    enough.tokens = std::max<std::int64_t>(enough.tokens, rows);
    std::vector<float> values;
    for (const RouterRow &row : router_rows(enough, rows))
        values.push_back(row.weights[0] * row.logits[std::size_t(row.ids[0])]);
    return values;
}

std::vector<int> arrival(std::uint64_t seed, int run, int count) {
    std::vector<int> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    const std::uint64_t key = hash_key(seed, std::uint32_t(1000 + run));
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[std::size_t(hash_at(key, i) % i)]);
    return order;
}

std::vector<float> running_sum(const std::vector<float> &values, const std::vector<int> &order) {
    std::vector<float> sums;
    float sum = 0;
    for (const int place : order)
        sums.push_back(sum += values[std::size_t(place)]);
    return sums;
}

Figure ordered_sums_figure(const FigureInputs &inputs) {
    const std::vector<float> chunks = chunk_sums(inputs.workload);
    std::vector<Lane> runs;
    for (int run = 0; run < kRuns; ++run) {
        Lane lane{"As they end, with atomic adds", arrival(inputs.workload.seed, run, kChunks), {}};
        lane.sums = running_sum(chunks, lane.order);
        runs.push_back(std::move(lane));
    }
    Lane fixed{"In the order of the chunks", std::vector<int>(kChunks), {}};
    std::iota(fixed.order.begin(), fixed.order.end(), 0);
    fixed.sums = running_sum(chunks, fixed.order);
    Figure figure;
    figure.height = 236;
    const auto add = [&](const Lane &lane, int added, std::size_t results, std::string caption) {
        Pen pen = next_frame(figure, std::move(caption));
        draw_lane(pen, lane, chunks, kTop, added, "u");
        draw_lane(pen, fixed, chunks, kTop + 86, added, "o");
        draw_results(pen, {runs.begin(), runs.begin() + std::ptrdiff_t(results)}, fixed, 192);
    };
    add(runs[0], 0, 0,
        fmt::format("One entry of a LoRA gradient is a sum over an expert's rows. {} blocks each add up a chunk of {} rows (#0 to #{}): "
                    "here each row brings its routing weight times its logit, from the workload's first {} tokens.",
                    kChunks, kRowsPerChunk, kChunks - 1, kChunks * kRowsPerChunk));
    for (int added = 1; added <= kChunks; ++added) {
        const int last = runs[0].order[std::size_t(added - 1)];
        add(runs[0], added, 0,
            fmt::format("Above, chunk #{} was the next block to end, and adds itself to memory. Below, chunk #{} is added "
                        "because it comes next. float32 rounds after each addition{}.",
                        last, added - 1,
                        added < kChunks                                  ? ""
                        : runs[0].sums.back() == fixed.sums.back() ? ": this time the same bits came out"
                                                                         : ": the same numbers, other bits"));
    }
    for (int run = 1; run < kRuns; ++run)
        add(runs[std::size_t(run)], kChunks, std::size_t(run) + 1,
            fmt::format("Run {} of the same kernel: the blocks end in another order. The upper result {}; the lower one has "
                        "the same bits every time.",
                        run + 1,
                        runs[std::size_t(run)].sums.back() == runs[std::size_t(run - 1)].sums.back()
                            ? "is the same by chance"
                            : "changes in its last bits"));
    return figure;
}

} // namespace moescope::lessons
