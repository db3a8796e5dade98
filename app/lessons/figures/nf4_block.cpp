// NF4: a block of weights to 16 levels and back, and which experts are worth the way back.
#include "app/lessons/facts.h"
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "app/lessons/router_row.h"
#include "kernels/dequant/nf4.h"
#include "kernels/inputs/inputs.h"
#include "profiler/base/units.h"
#include "profiler/workload/cost.h"

#include <cmath>
#include <vector>

namespace moescope::lessons {

namespace {

constexpr int kShown = 32;           // weights of a block
constexpr float kScale = 0.0625f;    // of the weights: a few hundredths
constexpr std::uint32_t kTensor = 0x10600e;
constexpr float kTop = 20, kRoom = 170, kMiddle = kTop + kRoom / 2;

struct Block {
    std::vector<float> weights;
    Nf4Array quantised;

    float absmax() const { return quantised.absmax[0]; }
    int nibble(int i) const {
        const int byte = quantised.packed[std::size_t(i / 2)];
        return i % 2 == 0 ? byte >> 4 : byte & 15;
    }
    float level(int i) const { return kNf4Code[std::size_t(nibble(i))]; }
    float back(int i) const { return level(i) * absmax(); }
};

// The mean of two uniform values: more small weights than large ones, as trained ones have.
Block block_of(const Workload &workload) {
    const int count = std::max(workload.quant_block, kShown);
    std::vector<float> drawn(std::size_t(2 * count));
    const FillUniformArgs args{drawn.data(), MS_F32, 2 * count, workload.seed, kTensor, kScale};
    Block block;
    if (reference::fill_uniform(&args, nullptr))
        return block;
    for (int i = 0; i < count; ++i)
        block.weights.push_back((drawn[std::size_t(2 * i)] + drawn[std::size_t(2 * i + 1)]) / 2);
    block.quantised = quantize_nf4(block.weights.data(), count, count, 0);
    return block;
}

float y_of(float value) { return kMiddle - value * kRoom / 2; } // value in -1..1

// Discs at these heights -1..1, in their weights' columns.
void draw_weights(Pen &pen, const std::vector<float> &heights, Ink ink) {
    const Columns columns{kShown, 70, kFigureWidth - kMargin};
    pen.line(70, kMiddle, kFigureWidth - kMargin, kMiddle, Ink::Line);
    for (int i = 0; i < kShown; ++i) {
        const float y = y_of(heights[std::size_t(i)]);
        pen.box(columns.middle(i) - 1.5f, std::min(y, kMiddle), 3, std::abs(y - kMiddle), ink, fmt::format("w{}s", i)).alpha =
            0.45f;
        pen.disc(columns.middle(i), y, 5, ink, fmt::format("w{}", i));
    }
}

void draw_levels(Pen &pen) {
    for (std::size_t level = 0; level < kNf4Code.size(); ++level) {
        const float y = y_of(kNf4Code[level]);
        pen.line(70, y, kFigureWidth - kMargin, y, Ink::Line);
        const bool room = level == 0 || level + 1 == kNf4Code.size() || level % 3 == 0;
        if (room)
            pen.words(62, y, fmt::format("{:.3f}", kNf4Code[level]), Ink::Muted, Shape::Align::Right).h = 11;
    }
}

void draw_nibbles(Pen &pen, const Block &block) {
    const Columns columns{kShown, 70, kFigureWidth - kMargin};
    pen.words(62, kTop + kRoom + 16, "4 bits", Ink::Muted, Shape::Align::Right);
    for (int i = 0; i < kShown; ++i)
        pen.words(columns.middle(i), kTop + kRoom + 16, fmt::format("{:x}", block.nibble(i)), Ink::Good).bold = true;
}

// Slots of each expert, of the first tokens.
std::vector<std::int32_t> counts_of_tokens(const Workload &workload, int tokens) {
    std::vector<std::int32_t> counts(std::size_t(workload.model.experts), 0);
    for (const RouterRow &row : router_rows(workload, tokens))
        for (const std::int32_t id : row.ids)
            ++counts[std::size_t(id)];
    return counts;
}

std::vector<std::int32_t> counts_of(const FigureInputs &inputs) {
    const auto experts = std::size_t(inputs.workload.model.experts);
    if (const RoutingRecord *routing = find_routing(inputs.session, inputs.run); routing && routing->counts.size() == experts)
        return routing->counts;
    return counts_of_tokens(inputs.workload, 4096);
}

void draw_experts(Pen &pen, const std::vector<std::int32_t> &counts, bool full, double bytes, double most) {
    const int per_line = std::min(32, int(counts.size()));
    const int lines = (int(counts.size()) + per_line - 1) / per_line;
    const Columns columns{per_line};
    const float height = std::min(30.0f, 150.0f / float(std::max(1, lines)));
    for (int e = 0; e < int(counts.size()); ++e) {
        const bool active = counts[std::size_t(e)] > 0;
        Shape &box = pen.box(columns.x(e % per_line), kTop + height * float(e / per_line), columns.width(), height - 3,
                             active ? Ink::Good : full ? Ink::Warning : Ink::Line, expert_key(e));
        box.alpha = active ? 0.75f : full ? 0.6f : 0.35f;
    }
    const float y = kTop + kRoom - 4, width = (kFigureWidth - 2 * kMargin - 90) * float(bytes / most);
    pen.box(kMargin, y, width, 18, Ink::Accent, "bytes");
    pen.words(kMargin + width + 8, y + 9, format_bytes(bytes), Ink::Text, Shape::Align::Left, "bytes'");
}

} // namespace

Figure nf4_block_figure(const FigureInputs &inputs) {
    const Block block = block_of(inputs.workload);
    std::vector<float> drawn, scaled, snapped, back;
    double error = 0, norm = 0;
    for (int i = 0; i < kShown; ++i) {
        drawn.push_back(block.weights[std::size_t(i)] / kScale);
        scaled.push_back(block.weights[std::size_t(i)] / block.absmax());
        snapped.push_back(block.level(i));
        back.push_back(block.back(i) / kScale);
    }
    for (int i = 0; i < int(block.weights.size()); ++i) {
        error += std::pow(double(block.back(i)) - double(block.weights[std::size_t(i)]), 2);
        norm += std::pow(double(block.weights[std::size_t(i)]), 2);
    }
    Figure figure;
    figure.height = kTop + kRoom + 34;
    const auto add = [&](std::string caption) { return next_frame(figure, std::move(caption)); };
    Pen pen = add(fmt::format("{} of a block's {} weights, of 16 bits each, within ±{:.4f}.", kShown,
                              block.weights.size(), kScale));
    draw_weights(pen, drawn, Ink::Accent);
    pen = add(fmt::format("The block is divided by its largest magnitude, absmax = {:.5f}: all weights now lie between −1 and 1.",
                          block.absmax()));
    draw_weights(pen, scaled, Ink::Accent);
    pen = add("NF4's 16 levels: close together near 0, where weights are many, for each level stands for as many values of "
              "a normal distribution.");
    draw_levels(pen);
    draw_weights(pen, scaled, Ink::Accent);
    pen = add("Each weight goes to the nearest level, and is written as that level's number.");
    draw_levels(pen);
    draw_weights(pen, snapped, Ink::Good);
    draw_nibbles(pen, block);
    pen = add(fmt::format("The way back, dequantisation: look the level up, times absmax. A weight takes 4 bits and its share "
                          "of a float32 absmax, {:.2f} bits in all instead of 16; the relative error of this block is {:.1f} %.",
                          4 + 32.0 / double(block.weights.size()), 100 * std::sqrt(error / norm)));
    draw_weights(pen, back, Ink::Good);
    draw_nibbles(pen, block);
    const auto counts = counts_of(inputs);
    const auto active = std::ranges::count_if(counts, [](std::int32_t count) { return count > 0; });
    const auto cost = [&](const char *variant) {
        return minimum_cost(inputs.workload, OperatorId::SelectiveDequant, variant, counts).bytes;
    };
    pen = add(fmt::format("All {} experts of gate_up, one box each: full dequantisation expands every one, and moves {}.",
                          counts.size(), format_bytes(cost("full"))));
    draw_experts(pen, counts, true, cost("full"), cost("full"));
    pen = add(fmt::format("Selective dequantisation first finds the {} experts that a token has chosen, on the device, and "
                          "expands only those: {}.",
                          active, format_bytes(cost("selective"))));
    draw_experts(pen, counts, false, cost("selective"), cost("full"));
    if (std::size_t(active) == counts.size()) {
        Workload one = inputs.workload;
        one.tokens = 1;
        const auto few = counts_of_tokens(one, 1);
        const double bytes = minimum_cost(one, OperatorId::SelectiveDequant, "selective", few).bytes;
        pen = add(fmt::format("With every expert active that saves nothing. The first token alone would reach {} of them: {}.",
                              std::ranges::count_if(few, [](std::int32_t count) { return count > 0; }), format_bytes(bytes)));
        draw_experts(pen, few, false, bytes, cost("full"));
    }
    return figure;
}

} // namespace moescope::lessons
