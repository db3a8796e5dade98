// The whole gated MLP of a layer, routed already: forward and backward, and with NF4 weights.
#include "kernels/scatter2scatter/tile_configs.h"
#include "tests/benchmarks/nf4.h"
#include "tests/benchmarks/route.h"
#include "tests/benchmarks/tiles.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

namespace moescope::bench {

namespace {

struct LayerShape {
    const char *name;
    std::int32_t experts, hidden, intermediate, top_k;
};
constexpr LayerShape kQwen{"Qwen3.5-35B-A3B", 256, 2048, 512, 8};
constexpr LayerShape kOlmoe{"OLMoE-1B-7B", 64, 2048, 1024, 8};

// Expanded: NF4, by each call, to a dense copy of a projection's; InKernel: NF4, never expanded.
enum class Weights { Dense, Expanded, InKernel };

struct Wanted {
    LayerShape shape;
    std::int32_t rank = 0;
    bool backward = false;
    Weights weights = Weights::Dense;
};

const Wanted kWanted[] = {
    {kQwen},
    {kQwen, 16},
    {kQwen, 0, false, Weights::Expanded},
    {kQwen, 0, false, Weights::InKernel},
    {kQwen, 16, true},
    {kQwen, 16, true, Weights::Expanded},
    {kOlmoe},
    {kOlmoe, 16},
    {kOlmoe, 0, false, Weights::Expanded},
    {kOlmoe, 0, false, Weights::InKernel},
    {kOlmoe, 16, true},
    {kOlmoe, 16, true, Weights::Expanded},
};
constexpr std::int64_t kTokens = 2048;

std::string pass_text(const Wanted &wanted) {
    const std::string lora = wanted.rank > 0 ? ", LoRA R" + std::to_string(wanted.rank) : "";
    const char *weights = wanted.weights == Weights::InKernel   ? ", NF4 in the kernels"
                          : wanted.weights == Weights::Expanded ? ", NF4 expanded first"
                                                                : "";
    return (wanted.backward ? "backward" : "forward") + lora + weights;
}

struct LayerCase {
    explicit LayerCase(const Wanted &which);

    // Of the timed call's products: gate_up, then down.
    std::vector<ms_tile_config> candidates(int product) const;
    ms_tile_config &tile(int product);
    void tune();
    void set_tiles(const std::string &text);
    std::string tiles_text() { return text_of(tile(0)) + " + " + text_of(tile(1)); }
    std::vector<Cost> parts() const;
    ms_status launch(ms_stream stream) const;

    Wanted wanted;
    Memory memory;
    Routing routing;
    ms_expert_weights nf4[2]{};
    ms_moe_mlp_args forward{};
    ms_moe_mlp_backward_args backward{};
    std::vector<Choice> tried;

  private:
    std::int64_t k(int product) const {
        return product == 0 ? wanted.shape.hidden : wanted.shape.intermediate;
    }
    std::int64_t n(int product) const {
        return product == 0 ? 2 * wanted.shape.intermediate : wanted.shape.hidden;
    }
    void *rows(std::int64_t columns) { return memory.bytes(routing.slots * columns * 2); }
    void make_projection(int product);
    void make_forward();
    void make_backward();
    void make_workspaces();
    ms_scatter2scatter_args product_args(int product) const;
    Workload workload() const;
};

LayerCase::LayerCase(const Wanted &which)
    : wanted(which), routing(make_routing(memory, kTokens, which.shape.experts, which.shape.top_k,
                                          Load::Uniform)) {
    for (const int product : {0, 1})
        make_projection(product);
    make_forward();
    if (wanted.backward)
        make_backward();
    make_workspaces();
    if (wanted.backward) // what the gradients read
        check(ms_moe_mlp(&forward, stream()), "ms_moe_mlp");
}

// Weights lie [E, N, K], as torch keeps them.
void LayerCase::make_projection(int product) {
    const std::int64_t experts = wanted.shape.experts, rank = wanted.rank;
    ms_moe_projection &to = product == 0 ? forward.gate_up : forward.down;
    to.w_transposed = 1;
    const float scale = 1 / std::sqrt(float(k(product)));
    if (wanted.weights == Weights::Dense) {
        to.w = memory.normal(MS_BF16, experts * k(product) * n(product), scale);
    } else {
        nf4[product] = make_nf4(memory, wanted.shape.experts, k(product) * n(product));
        to.w_quantised = &nf4[product];
    }
    if (rank == 0)
        return;
    to.lora_a = memory.normal(MS_BF16, experts * rank * k(product), scale);
    to.lora_b = memory.normal(MS_BF16, experts * rank * n(product), 1 / std::sqrt(float(rank)));
    to.xa = rows((rank + 7) / 8 * 8);
}

void LayerCase::make_forward() {
    const LayerShape &shape = wanted.shape;
    forward.struct_size = sizeof forward;
    forward.dtype = MS_BF16;
    forward.variant = wanted.rank > 0 ? MS_S2S_EXTRA_K : MS_S2S_FUSED;
    forward.rank = wanted.rank;
    forward.scaling = 2;
    forward.tokens = kTokens;
    forward.top_k = shape.top_k;
    forward.experts = shape.experts;
    forward.hidden = shape.hidden;
    forward.intermediate = shape.intermediate;
    forward.activation = MS_ACT_SILU;
    forward.gated = 1;
    forward.expand = wanted.weights == Weights::Expanded;
    forward.x = memory.normal(MS_BF16, kTokens * shape.hidden);
    forward.x_stride = forward.out_stride = shape.hidden;
    forward.weights = static_cast<float *>(memory.normal(MS_F32, routing.slots, 0.125f));
    forward.sorted_slots = routing.sorted_slots;
    forward.inverse = routing.inverse;
    forward.offsets = routing.offsets;
    forward.h = rows(n(0));
    forward.act = rows(shape.intermediate);
    forward.y = rows(shape.hidden);
    forward.out = memory.bytes(kTokens * shape.hidden * 2);
}

void LayerCase::make_backward() {
    const LayerShape &shape = wanted.shape;
    const auto gradient = [&](std::int64_t columns) {
        return memory.bytes(2 * std::int64_t(shape.experts) * wanted.rank * columns);
    };
    backward.struct_size = sizeof backward;
    backward.grad_dtype = MS_BF16;
    backward.forward = &forward;
    backward.variant = MS_S2S_EXTRA_K;
    backward.dout = memory.normal(MS_BF16, kTokens * shape.hidden);
    backward.dx = memory.bytes(kTokens * shape.hidden * 2);
    backward.dout_stride = backward.dx_stride = shape.hidden;
    backward.dweights = memory.array<float>(routing.slots);
    backward.da_gate_up = gradient(k(0));
    backward.db_gate_up = gradient(n(0));
    backward.da_down = gradient(k(1));
    backward.db_down = gradient(n(1));
}

// As large as the smallest tiles, which have the longest schedules, want them.
void LayerCase::make_workspaces() {
    constexpr ms_tile_config kSmallest{16, 32, 16, 1, 2, MS_TILE_MMA_SYNC};
    const auto make = [&](auto &args, auto size) {
        args.workspace_bytes = size(&args);
        args.workspace = memory.bytes(std::int64_t(args.workspace_bytes));
    };
    forward.gate_up.config = forward.down.config = kSmallest;
    backward.gate_up_config = backward.down_config = kSmallest;
    make(forward, ms_moe_mlp_workspace_bytes);
    forward.gate_up.config = forward.down.config = {};
    if (wanted.backward)
        make(backward, ms_moe_mlp_backward_workspace_bytes);
    for (const int product : {0, 1}) {
        const ms_scatter2scatter_args args = product_args(product);
        check(ms_scatter2scatter_default_config(&args, &tile(product)),
              "ms_scatter2scatter_default_config");
    }
}

// What decides which tiles there are: the product or, backward, the gradient of its input.
ms_scatter2scatter_args LayerCase::product_args(int product) const {
    const bool gradient = wanted.backward;
    ms_scatter2scatter_args args{};
    args.struct_size = sizeof args;
    args.dtype = args.y_dtype = MS_BF16;
    args.variant = forward.variant;
    args.w_transposed = !gradient;
    args.lora_a_transposed = args.lora_b_transposed = gradient;
    args.k = std::int32_t(gradient ? n(product) : k(product));
    args.n = std::int32_t(gradient ? k(product) : n(product));
    args.x_stride = args.k;
    args.y_stride = args.n;
    args.rank = wanted.rank;
    args.slots = routing.slots;
    args.experts = wanted.shape.experts;
    args.top_k = wanted.shape.top_k;
    args.x_grouped = gradient || product == 1;
    args.y_grouped = 1;
    args.w_nf4 = wanted.weights == Weights::InKernel ? &nf4[product] : nullptr;
    return args;
}

std::vector<ms_tile_config> LayerCase::candidates(int product) const {
    return scatter2scatter::candidate_configs(product_args(product), device_facts().arch);
}

ms_tile_config &LayerCase::tile(int product) {
    if (wanted.backward)
        return product == 0 ? backward.gate_up_config : backward.down_config;
    return product == 0 ? forward.gate_up.config : forward.down.config;
}

// One product's tile after the other, in the whole call.
void LayerCase::tune() {
    for (const int product : {0, 1}) {
        const std::vector<ms_tile_config> configs = candidates(product);
        std::vector<ms_scatter2scatter_args> calls(configs.size(), product_args(product));
        for (std::size_t i = 0; i < configs.size(); ++i)
            calls[i].config = configs[i];
        const std::vector<std::string> problems = problems_of(calls);
        std::vector<Choice> choices;
        for (std::size_t i = 0; i < configs.size(); ++i)
            choices.push_back({.variant = product == 0 ? "gate_up" : "down",
                               .text = text_of(configs[i]),
                               .refused = problems[i]});
        const auto time = [&](std::size_t i, const Timing &timing) {
            tile(product) = configs[i];
            const auto call = [this](int, ms_stream stream) { return launch(stream); };
            return median(time_launches(call, 1, timing).ns);
        };
        tile(product) = configs[race(choices, time).front().tile];
        tried.insert(tried.end(), choices.begin(), choices.end());
    }
}

void LayerCase::set_tiles(const std::string &text) {
    const std::size_t plus = text.find(" + ");
    const std::string texts[] = {text.substr(0, plus),
                                 text.substr(std::min(text.size(), plus + 3))};
    for (const int product : {0, 1}) {
        const std::vector<ms_tile_config> configs = candidates(product);
        const auto found =
            std::find_if(configs.begin(), configs.end(), [&](const ms_tile_config &config) {
                return text_of(config) == texts[product];
            });
        if (found == configs.end())
            throw std::runtime_error("no tile is called " + texts[product]);
        tile(product) = *found;
    }
}

ms_status LayerCase::launch(ms_stream stream) const {
    return wanted.backward ? ms_moe_mlp_backward(&backward, stream)
                           : ms_moe_mlp(&forward, stream);
}

Workload LayerCase::workload() const {
    Workload workload;
    workload.model.name = wanted.shape.name;
    workload.model.experts = wanted.shape.experts;
    workload.model.top_k = wanted.shape.top_k;
    workload.model.hidden = wanted.shape.hidden;
    workload.model.intermediate = wanted.shape.intermediate;
    workload.tokens = kTokens;
    workload.lora_rank = wanted.rank;
    workload.quant_block = kNf4Block;
    return workload;
}

std::vector<Cost> LayerCase::parts() const {
    const std::vector<std::int32_t> &counts = routing.host_counts;
    const char *variant = wanted.weights == Weights::InKernel ? "nf4_in_kernel"
                          : wanted.rank > 0                   ? "extra_k"
                                                              : "base";
    const OperatorId op = wanted.backward ? OperatorId::MoeMlpBackward : OperatorId::MoeMlp;
    std::vector<Cost> parts = {minimum_cost(workload(), op, variant, counts)};
    if (wanted.weights == Weights::Expanded)
        for (const int product : {0, 1}) {
            Workload one = workload(); // the formula's weights are those of gate_up
            one.model.gated = false;
            one.model.hidden = std::int32_t(k(product));
            one.model.intermediate = std::int32_t(n(product));
            parts.push_back(minimum_cost(one, OperatorId::SelectiveDequant, "selective", counts));
        }
    return parts;
}

Case make_case(const Wanted &wanted, const std::string &config) {
    const auto holds = std::make_shared<LayerCase>(wanted);
    if (config.empty())
        holds->tune();
    else
        holds->set_tiles(config);
    Case made;
    made.config = holds->tiles_text();
    made.tried = holds->tried;
    const std::vector<Cost> parts = holds->parts();
    for (const Cost &part : parts) {
        made.cost.bytes += part.bytes;
        made.cost.flops += part.flops;
    }
    if (parts.size() > 1)
        made.parts = parts;
    made.launch = [holds](int, ms_stream stream) { return holds->launch(stream); };
    made.holds = holds;
    return made;
}

} // namespace

std::vector<Row> layer_rows() {
    std::vector<Row> rows;
    for (const Wanted &wanted : kWanted)
        rows.push_back(
            {.op = wanted.backward ? "moe_mlp_backward" : "moe_mlp",
             .shape = std::string(wanted.shape.name) + " layer T=" + std::to_string(kTokens),
             .pass = pass_text(wanted),
             .make = [&wanted](const std::string &config) { return make_case(wanted, config); }});
    return rows;
}

} // namespace moescope::bench
