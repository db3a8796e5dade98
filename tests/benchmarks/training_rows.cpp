// The gradients of LoRA's matrices, and a whole step: forward, dX, dA and dB.
#include "tests/benchmarks/shapes.h"

#include <algorithm>
#include <memory>

namespace moescope::bench {

namespace {

struct Wanted {
    GroupedShape shape;
    std::int32_t rank;
    double gradients_us, gradients_peer_us; // dA + dB
    const char *gradients_peer;
    double whole_us, whole_peer_us; // 0: no such row was published
};

constexpr const char *kAxolotl = "axolotl", *kTorch = "torch grouped_mm";
constexpr std::int64_t kTokens = 2048;

const Wanted kWanted[] = {
    {kQwenGateUp, 16, 60, 199, kAxolotl, 750, 2170},
    {kQwenDown, 16, 50, 113, kAxolotl, 440, 2390},
    {kQwenGateUp, 64, 120, 299, kTorch, 0, 0},
    {kOlmoeGateUp, 16, 60, 160, kAxolotl, 0, 0},
    {kMixtralGateUp, 16, 120, 321, kTorch, 3400, 21300},
    {kMixtralDown, 16, 70, 198, kTorch, 0, 0},
};

OperatorId gradient_op(const GroupedShape &shape) {
    return shape.down ? OperatorId::DownLoraGrad : OperatorId::GateUpLoraGrad;
}

// Forward and dX each have their own inputs; the gradients read x of the one, dY of the other, and
// the XA and YB that they stored.
struct TrainingCase {
    explicit TrainingCase(const Wanted &wanted)
        : shape(wanted.shape), rank(wanted.rank),
          forward(shape, {kTokens, rank}, GroupedPass::Lora, true),
          gradient(shape, {kTokens, rank}, GroupedPass::InputGradient, true) {
        const ms_lora_grad_args args = gradient_args();
        workspace_bytes = ms_lora_grad_workspace_bytes(&args);
        for (int i = 0; i < sets(); ++i)
            outputs.push_back({memory.bytes(2ll * shape.experts * rank * shape.k),
                               memory.bytes(2ll * shape.experts * rank * shape.n),
                               memory.bytes(std::int64_t(workspace_bytes))});
    }

    struct Output {
        void *da, *db, *workspace;
    };

    int sets() const { return std::min(forward.sets(), gradient.sets()); }

    ms_lora_grad_args gradient_args() const {
        const Routing &routing = forward.routing();
        ms_lora_grad_args args{};
        args.struct_size = sizeof args;
        args.dtype = args.out_dtype = MS_BF16;
        args.variant = MS_LORA_GRAD_GRAM;
        args.k = shape.k;
        args.n = shape.n;
        args.x_stride = args.k;
        args.dy_stride = args.n;
        args.x_grouped = shape.down;
        args.dy_grouped = !shape.down;
        args.rank = rank;
        args.experts = shape.experts;
        args.scaling = 2;
        args.top_k = shape.top_k;
        args.slots = routing.slots;
        args.sorted_slots = routing.sorted_slots;
        args.offsets = routing.offsets;
        args.workspace_bytes = workspace_bytes;
        return args;
    }

    ms_status launch_gradients(int set, ms_stream stream) const {
        const GroupedCase::Input &x = forward.input(set), &dy = gradient.input(set);
        const Output &out = outputs[std::size_t(set)];
        ms_lora_grad_args args = gradient_args();
        args.x = x.x;
        args.dy = dy.x;
        args.xa = x.xa;
        args.yb = dy.xa;
        args.da = out.da;
        args.db = out.db;
        args.workspace = out.workspace;
        return ms_lora_grad(&args, stream);
    }

    Cost gradients_cost() const {
        return minimum_cost(shape.workload(kTokens, rank), gradient_op(shape), "gram",
                            forward.routing().host_counts);
    }

    GroupedShape shape;
    std::int32_t rank;
    GroupedCase forward, gradient;
    Memory memory;
    std::size_t workspace_bytes = 0;
    std::vector<Output> outputs;
};

Case gradients_case(const Wanted &wanted) {
    const auto holds = std::make_shared<TrainingCase>(wanted);
    // XA and YB as the passes leave them.
    for (GroupedCase *pass : {&holds->forward, &holds->gradient}) {
        const Launch launch = pass->launch({.variant = MS_S2S_EXTRA_K, .config = pass->default_config()});
        for (int set = 0; set < holds->sets(); ++set)
            check(launch(set, stream()), "ms_scatter2scatter");
    }
    Case made;
    made.sets = holds->sets();
    made.cost = holds->gradients_cost();
    made.config = "gram";
    made.launch = [holds](int set, ms_stream stream) {
        return holds->launch_gradients(set, stream);
    };
    made.holds = holds;
    return made;
}

// config: the forward tile and the gradient's, with a plus between them.
Case whole_case(const Wanted &wanted, const std::string &config) {
    const auto holds = std::make_shared<TrainingCase>(wanted);
    const std::size_t plus = config.find(" + ");
    const Tile forward =
        config.empty() ? holds->forward.tune() : holds->forward.named(config.substr(0, plus));
    const Tile gradient =
        config.empty() ? holds->gradient.tune() : holds->gradient.named(config.substr(plus + 3));
    Case made;
    made.sets = holds->sets();
    for (const Cost &part :
         {holds->forward.cost(), holds->gradient.cost(), holds->gradients_cost()}) {
        made.cost.bytes += part.bytes;
        made.cost.flops += part.flops;
        made.parts.push_back(part);
    }
    made.config = forward.text() + " + " + gradient.text();
    made.launch = [holds, forward = holds->forward.launch(forward),
                   gradient = holds->gradient.launch(gradient)](int set, ms_stream stream) {
        if (const ms_status status = forward(set, stream); status != MS_OK)
            return status;
        if (const ms_status status = gradient(set, stream); status != MS_OK)
            return status;
        return holds->launch_gradients(set, stream);
    };
    made.holds = holds;
    return made;
}

} // namespace

std::vector<Row> training_rows() {
    std::vector<Row> rows;
    for (const Wanted &wanted : kWanted) {
        const std::string shape = wanted.shape.name + " R" + std::to_string(wanted.rank) +
                                  " T=" + std::to_string(kTokens);
        rows.push_back({.op = "lora_grad",
                        .shape = shape,
                        .pass = "dA+dB",
                        .target_us = wanted.gradients_us,
                        .peer_us = wanted.gradients_peer_us,
                        .peer = wanted.gradients_peer,
                        .make = [&wanted](const std::string &) { return gradients_case(wanted); }});
        if (wanted.whole_us > 0)
            rows.push_back({.op = "LoRA step",
                            .shape = shape,
                            .pass = "whole fwd+bwd",
                            .target_us = wanted.whole_us,
                            .peer_us = wanted.whole_peer_us,
                            .peer = kAxolotl,
                            .make = [&wanted](const std::string &config) {
                                return whole_case(wanted, config);
                            }});
    }
    return rows;
}

} // namespace moescope::bench
