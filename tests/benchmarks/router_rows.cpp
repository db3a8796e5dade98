// A whole router: the product with the gate, then the selection.
#include "tests/benchmarks/device.h"
#include "tests/benchmarks/row.h"

#include <algorithm>
#include <memory>

namespace moescope::bench {

namespace {

struct Wanted {
    const char *shape;
    std::int32_t experts, hidden, top_k, groups, groups_kept;
    ms_score score;
    std::int64_t tokens;
    std::int32_t rank = 0;

    bool biased() const { return score != MS_SCORE_SOFTMAX; }
};

const Wanted kWanted[] = {
    {"Qwen3.5-35B-A3B", 256, 2048, 8, 1, 1, MS_SCORE_SOFTMAX, 1},
    {"Qwen3.5-35B-A3B", 256, 2048, 8, 1, 1, MS_SCORE_SOFTMAX, 64},
    {"Qwen3.5-35B-A3B", 256, 2048, 8, 1, 1, MS_SCORE_SOFTMAX, 2048},
    {"Qwen3.5-35B-A3B", 256, 2048, 8, 1, 1, MS_SCORE_SOFTMAX, 2048, 16},
    {"OLMoE-1B-7B", 64, 2048, 8, 1, 1, MS_SCORE_SOFTMAX, 2048},
    {"DeepSeek-V3", 256, 7168, 8, 8, 4, MS_SCORE_SIGMOID, 2048},
};

struct RouterSet {
    const void *hidden = nullptr, *gate = nullptr, *lora_a = nullptr, *lora_b = nullptr; // bf16
    const float *bias = nullptr;
    float *logits = nullptr, *weights = nullptr;
    std::int32_t *ids = nullptr;
    void *workspace = nullptr;
};

struct RouterCase {
    explicit RouterCase(const Wanted &which) : wanted(which) {
        const ms_topk_args selection = topk({});
        ms_router_args args = router({});
        args.topk = &selection;
        workspace_bytes = ms_router_workspace_bytes(&args);
        do
            sets.push_back(make_set());
        while (int(sets.size()) < sets_past_l2(memory.total() / std::int64_t(sets.size())));
    }

    RouterSet make_set() {
        const std::int64_t tokens = wanted.tokens, experts = wanted.experts, hidden = wanted.hidden;
        RouterSet set;
        set.hidden = memory.normal(MS_BF16, tokens * hidden);
        set.gate = memory.normal(MS_BF16, experts * hidden, 2.0f / 64);
        if (wanted.rank > 0) {
            set.lora_a = memory.normal(MS_BF16, wanted.rank * hidden, 1.0f / 64);
            set.lora_b = memory.normal(MS_BF16, experts * wanted.rank, 0.125f);
        }
        if (wanted.biased())
            set.bias = static_cast<float *>(memory.normal(MS_F32, experts, 0.125f));
        set.logits = memory.array<float>(tokens * experts);
        set.weights = memory.array<float>(tokens * wanted.top_k);
        set.ids = memory.array<std::int32_t>(tokens * wanted.top_k);
        set.workspace = memory.bytes(std::int64_t(workspace_bytes));
        return set;
    }

    ms_topk_args topk(const RouterSet &set) const {
        ms_topk_args args{};
        args.struct_size = sizeof args;
        args.logits_dtype = MS_F32;
        args.logits_stride = args.experts = wanted.experts;
        args.tokens = wanted.tokens;
        args.top_k = wanted.top_k;
        args.score = wanted.score;
        args.bias = set.bias;
        args.groups = wanted.groups;
        args.groups_kept = wanted.groups_kept;
        args.renorm = MS_RENORM_ADD;
        args.renorm_epsilon = wanted.biased() ? 1e-20f : 0;
        args.routed_scaling = wanted.biased() ? 2.5f : 1;
        args.weights = set.weights;
        args.ids = set.ids;
        return args;
    }

    ms_router_args router(const RouterSet &set) const {
        ms_router_args args{};
        args.struct_size = sizeof args;
        args.dtype = MS_BF16;
        args.hidden = set.hidden;
        args.hidden_stride = args.hidden_size = wanted.hidden;
        args.gate = set.gate;
        args.tokens = wanted.tokens;
        args.experts = wanted.experts;
        args.rank = wanted.rank;
        args.scaling = 2;
        args.lora_a = set.lora_a;
        args.lora_b = set.lora_b;
        args.logits = set.logits;
        args.workspace = set.workspace;
        args.workspace_bytes = workspace_bytes;
        return args;
    }

    ms_status launch(int set, ms_stream stream) const {
        const ms_topk_args selection = topk(sets[std::size_t(set)]);
        ms_router_args args = router(sets[std::size_t(set)]);
        args.topk = &selection;
        return ms_router(&args, stream);
    }

    Wanted wanted;
    Memory memory;
    std::vector<RouterSet> sets;
    std::size_t workspace_bytes = 0;
};

Cost cost_of(const Wanted &wanted) {
    Workload workload;
    workload.model.experts = wanted.experts;
    workload.model.hidden = wanted.hidden;
    workload.model.top_k = wanted.top_k;
    workload.model.correction_bias = wanted.biased();
    workload.tokens = wanted.tokens;
    workload.lora_rank = wanted.rank;
    return minimum_cost(workload, OperatorId::Router, wanted.rank > 0 ? "lora" : "plain", {});
}

Case make_case(const Wanted &wanted) {
    const auto holds = std::make_shared<RouterCase>(wanted);
    Case made;
    made.sets = int(holds->sets.size());
    made.cost = cost_of(wanted);
    made.launch = [holds](int set, ms_stream stream) { return holds->launch(set, stream); };
    made.holds = holds;
    return made;
}

} // namespace

std::vector<Row> router_rows() {
    std::vector<Row> rows;
    for (const Wanted &wanted : kWanted)
        rows.push_back(
            {.op = "router",
             .shape = std::string(wanted.shape) + " T=" + std::to_string(wanted.tokens),
             .pass = wanted.rank > 0 ? "gate LoRA R" + std::to_string(wanted.rank) : "plain",
             .make = [&wanted](const std::string &) { return make_case(wanted); }});
    return rows;
}

} // namespace moescope::bench
