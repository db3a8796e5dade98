#include "tests/benchmarks/shapes.h"

namespace moescope::bench {

namespace {

struct Wanted {
    GroupedShape shape;
    Batch batch;
    GroupedPass pass;
    double target_us, peer_us; // 0: none was published
    const char *peer;
};

constexpr const char *kAxolotl = "axolotl", *kTorch = "torch grouped_mm";

// T = 2048 as published; then other ranks, sizes that no tile divides beside the next ones that all
// do, and the published shapes under skewed routing and with other batches.
const Wanted kWanted[] = {
    {kQwenGateUp, {2048, 16}, GroupedPass::Base, 290, 350, kTorch},
    {kQwenGateUp, {2048, 16}, GroupedPass::Lora, 310, 494, kTorch},
    {kQwenGateUp, {2048, 16}, GroupedPass::InputGradient, 330, 536, kAxolotl},
    {kQwenDown, {2048, 16}, GroupedPass::Lora, 170, 272, kAxolotl},
    {kQwenDown, {2048, 16}, GroupedPass::InputGradient, 180, 302, kTorch},
    {kQwenGateUp, {2048, 64}, GroupedPass::Lora, 340, 500, kTorch},
    {kQwenGateUp, {2048, 64}, GroupedPass::InputGradient, 360, 633, kTorch},
    {kOlmoeGateUp, {2048, 16}, GroupedPass::Lora, 240, 442, kTorch},
    {kOlmoeGateUp, {2048, 16}, GroupedPass::InputGradient, 240, 454, kTorch},
    {kMixtralGateUp, {2048, 16}, GroupedPass::Base, 1560, 1770, kTorch},
    {kMixtralGateUp, {2048, 16}, GroupedPass::Lora, 1600, 2110, kTorch},
    {kMixtralGateUp, {2048, 16}, GroupedPass::InputGradient, 1600, 1960, kTorch},
    {kMixtralDown, {2048, 16}, GroupedPass::Lora, 800, 1080, kTorch},
    {kMixtralDown, {2048, 16}, GroupedPass::InputGradient, 800, 1090, kTorch},

    {kQwenGateUp, {2048, 1}, GroupedPass::Lora, 0, 0, ""},
    {kQwenGateUp, {2048, 256}, GroupedPass::Lora, 0, 0, ""},
    {kQwenGateUp, {2048, 1}, GroupedPass::InputGradient, 0, 0, ""},
    {kQwenGateUp, {2048, 256}, GroupedPass::InputGradient, 0, 0, ""},
    {kEven, {2048, 16}, GroupedPass::Lora, 0, 0, ""},
    {kOdd, {2048, 16}, GroupedPass::Lora, 0, 0, ""},
    {kOdd, {2048, 16}, GroupedPass::InputGradient, 0, 0, ""},

    {kQwenGateUp, {2048, 16, Load::Zipf}, GroupedPass::Lora, 0, 0, ""},
    {kQwenGateUp, {2048, 16, Load::HalfEmpty}, GroupedPass::Lora, 0, 0, ""},
    {kQwenGateUp, {2048, 16, Load::OneExpert}, GroupedPass::Lora, 0, 0, ""},
    {kMixtralGateUp, {2048, 16, Load::Zipf}, GroupedPass::Lora, 0, 0, ""},
    {kMixtralGateUp, {2048, 16, Load::HalfEmpty}, GroupedPass::Lora, 0, 0, ""},
    {kMixtralGateUp, {2048, 16, Load::OneExpert}, GroupedPass::Lora, 0, 0, ""},

    {kQwenGateUp, {1, 16}, GroupedPass::Lora, 0, 0, ""},
    {kQwenGateUp, {8, 16}, GroupedPass::Lora, 0, 0, ""},
    {kQwenGateUp, {64, 16}, GroupedPass::Lora, 0, 0, ""},
    {kQwenGateUp, {65536, 16}, GroupedPass::Lora, 0, 0, ""},
    {kMixtralGateUp, {1, 16}, GroupedPass::Lora, 0, 0, ""},
    {kMixtralGateUp, {8, 16}, GroupedPass::Lora, 0, 0, ""},
    {kMixtralGateUp, {64, 16}, GroupedPass::Lora, 0, 0, ""},
};

std::string text_of(GroupedPass pass) {
    switch (pass) {
    case GroupedPass::Base:
        return "base";
    case GroupedPass::Lora:
        return "LoRA fwd";
    case GroupedPass::InputGradient:
        return "LoRA dX";
    case GroupedPass::Nf4:
        break;
    }
    return "NF4 in the kernel";
}

std::string shape_text(const Wanted &wanted) {
    std::string text = wanted.shape.name;
    if (wanted.pass != GroupedPass::Base)
        text += " R" + std::to_string(wanted.batch.rank);
    text += " T=" + std::to_string(wanted.batch.tokens);
    if (wanted.batch.load != Load::Uniform)
        text += ", " + std::string(text_of(wanted.batch.load));
    return text;
}

} // namespace

std::vector<Row> grouped_rows() {
    std::vector<Row> rows;
    for (const Wanted &wanted : kWanted)
        rows.push_back({.op = "scatter2scatter",
                        .shape = shape_text(wanted),
                        .pass = text_of(wanted.pass),
                        .target_us = wanted.target_us,
                        .peer_us = wanted.peer_us,
                        .peer = wanted.peer,
                        .make = [&wanted](const std::string &config) {
                            return grouped_case(wanted.shape, wanted.batch, wanted.pass, config);
                        }});
    return rows;
}

} // namespace moescope::bench
