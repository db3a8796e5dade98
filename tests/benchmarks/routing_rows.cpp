#include "tests/benchmarks/device.h"
#include "tests/benchmarks/route.h"
#include "tests/benchmarks/row.h"

#include <algorithm>
#include <array>
#include <memory>

namespace moescope::bench {

namespace {

constexpr std::array<std::int64_t, 5> kTokens = {1, 64, 512, 4096, 16384};
using Times = std::array<double, 5>; // us, by kTokens

enum class What { Softmax, Sigmoid, Sort, Pipeline };

struct Wanted {
    What what;
    const char *op, *shape;
    std::int32_t experts, top_k, groups, groups_kept;
    Times target_us, peer_us;
    const char *peer;
};

const Wanted kWanted[] = {
    {What::Softmax, "softmax_topk", "E256 k8", 256, 8, 1, 1, {3, 3, 3, 5, 8},
     {4.9, 6.2, 6.3, 9.2, 16.3}, "vLLM to T=64, triton_kernels above"},
    {What::Softmax, "softmax_topk", "E8 k2", 8, 2, 1, 1, {2.4, 2.4, 2.4, 2.4, 2.4},
     {2.4, 2.5, 2.6, 2.7, 2.8}, "vLLM"},
    {What::Sigmoid, "sigmoid_topk", "E256 k8, 4 of 8 groups", 256, 8, 8, 4, {4, 4, 4, 7, 14},
     {9.8, 11.6, 12.3, 23.2, 74.5}, "vLLM grouped_topk"},
    {What::Sort, "route_metadata", "E256 k8: sort, counts, offsets", 256, 8, 1, 1, {3, 3, 3, 6, 9},
     {5.8, 6.1, 7.4, 10.3, 13.9}, "vLLM align to T=512, triton_kernels above"},
    {What::Pipeline, "route", "E256 k8: logits to tile maps", 256, 8, 1, 1, {5, 5, 5, 8, 15},
     {10.7, 12.1, 14.3, 16.5, 31.7}, "vLLM to T=512, triton_kernels above"},
};

constexpr std::int32_t kTileRows = 64;

struct RoutingSet {
    const void *logits = nullptr; // bf16
    float *weights = nullptr, *bias = nullptr;
    std::int32_t *ids = nullptr;
    std::int32_t *counts = nullptr, *offsets = nullptr, *sorted = nullptr, *inverse = nullptr;
    ms_tile *tiles = nullptr;
    void *workspace = nullptr;
};

struct RoutingCase {
    RoutingCase(const Wanted &wanted, std::int64_t tokens);

    ms_softmax_topk_args softmax(const RoutingSet &set) const;
    ms_sigmoid_topk_args sigmoid(const RoutingSet &set) const;
    ms_route_metadata_args metadata(const RoutingSet &set) const;
    ms_topk_args topk(const RoutingSet &set) const;
    ms_status route(const RoutingSet &set, ms_stream stream) const;
    ms_status launch(const RoutingSet &set, ms_stream stream) const;

    Wanted wanted;
    std::int64_t tokens;
    Memory memory;
    std::vector<RoutingSet> sets;
    std::size_t workspace_bytes = 0;

  private:
    RoutingSet make_set();
};

RoutingCase::RoutingCase(const Wanted &which, std::int64_t count) : wanted(which), tokens(count) {
    const ms_route_metadata_args args = metadata({});
    const ms_topk_args selection = topk({});
    ms_route_args whole{};
    whole.struct_size = sizeof whole;
    whole.topk = &selection;
    workspace_bytes =
        std::max(ms_route_metadata_workspace_bytes(&args), ms_route_workspace_bytes(&whole));
    sets.push_back(make_set());
    const int wanted_sets = sets_past_l2(memory.total());
    while (int(sets.size()) < wanted_sets)
        sets.push_back(make_set());
}

RoutingSet RoutingCase::make_set() {
    const std::int64_t slots = tokens * wanted.top_k, experts = wanted.experts;
    RoutingSet set;
    set.logits = memory.normal(MS_BF16, tokens * experts);
    set.bias = static_cast<float *>(memory.normal(MS_F32, experts, 0.125f));
    set.weights = memory.array<float>(slots);
    set.ids = memory.array<std::int32_t>(slots);
    set.counts = memory.array<std::int32_t>(experts);
    set.offsets = memory.array<std::int32_t>(experts + 1);
    set.sorted = memory.array<std::int32_t>(slots);
    set.inverse = memory.array<std::int32_t>(slots);
    set.tiles = memory.array<ms_tile>(ms_max_tiles(slots, wanted.experts, kTileRows));
    set.workspace = memory.bytes(std::int64_t(workspace_bytes));
    if (wanted.what == What::Sort) {
        const ms_softmax_topk_args args = softmax(set);
        check(ms_softmax_topk(&args, stream()), "ms_softmax_topk");
    }
    return set;
}

ms_softmax_topk_args RoutingCase::softmax(const RoutingSet &set) const {
    ms_softmax_topk_args args{};
    args.struct_size = sizeof args;
    args.logits_dtype = MS_BF16;
    args.logits = set.logits;
    args.logits_stride = args.experts = wanted.experts;
    args.tokens = tokens;
    args.top_k = wanted.top_k;
    args.renorm = MS_RENORM_ADD;
    args.routed_scaling = 1;
    args.weights = set.weights;
    args.ids = set.ids;
    return args;
}

ms_sigmoid_topk_args RoutingCase::sigmoid(const RoutingSet &set) const {
    ms_sigmoid_topk_args args{};
    args.struct_size = sizeof args;
    args.logits_dtype = MS_BF16;
    args.logits = set.logits;
    args.logits_stride = args.experts = wanted.experts;
    args.tokens = tokens;
    args.top_k = wanted.top_k;
    args.bias = set.bias;
    args.groups = wanted.groups;
    args.groups_kept = wanted.groups_kept;
    args.renorm = MS_RENORM_ADD;
    args.renorm_epsilon = 1e-20f;
    args.routed_scaling = 2.5f;
    args.weights = set.weights;
    args.ids = set.ids;
    return args;
}

ms_route_metadata_args RoutingCase::metadata(const RoutingSet &set) const {
    ms_route_metadata_args args{};
    args.struct_size = sizeof args;
    args.experts = wanted.experts;
    args.ids = set.ids;
    args.slots = tokens * wanted.top_k;
    args.counts = set.counts;
    args.offsets = set.offsets;
    args.sorted_slots = set.sorted;
    args.inverse = set.inverse;
    args.block_rows = 0;
    args.tiles = set.tiles;
    args.workspace = set.workspace;
    args.workspace_bytes = workspace_bytes;
    return args;
}

ms_topk_args RoutingCase::topk(const RoutingSet &set) const {
    ms_topk_args args{};
    args.struct_size = sizeof args;
    args.logits_dtype = MS_BF16;
    args.logits = set.logits;
    args.logits_stride = args.experts = wanted.experts;
    args.tokens = tokens;
    args.top_k = wanted.top_k;
    args.groups = args.groups_kept = 1;
    args.renorm = MS_RENORM_ADD;
    args.routed_scaling = 1;
    args.weights = set.weights;
    args.ids = set.ids;
    return args;
}

ms_status RoutingCase::route(const RoutingSet &set, ms_stream stream) const {
    const ms_topk_args selection = topk(set);
    ms_route_args args{};
    args.struct_size = sizeof args;
    args.block_rows = kTileRows;
    args.topk = &selection;
    args.counts = set.counts;
    args.offsets = set.offsets;
    args.sorted_slots = set.sorted;
    args.inverse = set.inverse;
    args.tiles = set.tiles;
    args.workspace = set.workspace;
    args.workspace_bytes = workspace_bytes;
    return ms_route(&args, stream);
}

ms_status RoutingCase::launch(const RoutingSet &set, ms_stream stream) const {
    if (wanted.what == What::Sigmoid) {
        const ms_sigmoid_topk_args args = sigmoid(set);
        return ms_sigmoid_topk(&args, stream);
    }
    if (wanted.what == What::Pipeline)
        return route(set, stream);
    if (wanted.what == What::Softmax) {
        const ms_softmax_topk_args args = softmax(set);
        return ms_softmax_topk(&args, stream);
    }
    const ms_route_metadata_args args = metadata(set);
    return ms_route_metadata(&args, stream);
}

// The formulas take float32 logits, and these rows read bf16 ones.
Cost cost_of(const Wanted &wanted, std::int64_t tokens) {
    Workload workload;
    workload.model.experts = wanted.experts;
    workload.model.top_k = wanted.top_k;
    workload.model.correction_bias = true;
    workload.tokens = tokens;
    std::vector<std::int32_t> counts(static_cast<std::size_t>(wanted.experts));
    counts[0] = std::int32_t(workload.slots());
    const auto cost = [&](OperatorId op) { // the same for every variant
        return minimum_cost(workload, op, info(op).variants.front().name, counts).bytes;
    };
    const double half_logits = 2.0 * double(tokens) * wanted.experts;
    const double sort = cost(OperatorId::RouteMetadata);
    switch (wanted.what) {
    case What::Softmax:
        return {cost(OperatorId::SoftmaxTopk) - half_logits, 0};
    case What::Sigmoid:
        return {cost(OperatorId::SigmoidTopk) - half_logits, 0};
    case What::Sort:
        return {sort, 0};
    case What::Pipeline:
        break;
    }
    // The ids are handed over on the chip; the tile map is one entry a tile.
    const double ids = 4.0 * double(workload.slots());
    const double tiles = 8.0 * double(ms_max_tiles(workload.slots(), wanted.experts, kTileRows));
    return {cost(OperatorId::SoftmaxTopk) - half_logits + sort - ids + tiles, 0};
}

Case make_case(const Wanted &wanted, std::int64_t tokens) {
    const auto holds = std::make_shared<RoutingCase>(wanted, tokens);
    Case made;
    made.sets = int(holds->sets.size());
    made.cost = cost_of(wanted, tokens);
    made.launch = [holds](int set, ms_stream stream) {
        return holds->launch(holds->sets[std::size_t(set)], stream);
    };
    made.holds = holds;
    return made;
}

} // namespace

std::vector<Row> routing_rows() {
    std::vector<Row> rows;
    for (const Wanted &wanted : kWanted)
        for (std::size_t i = 0; i < kTokens.size(); ++i)
            rows.push_back({.op = wanted.op,
                            .shape = wanted.shape,
                            .pass = "T=" + std::to_string(kTokens[i]),
                            .target_us = wanted.target_us[i],
                            .peer_us = wanted.peer_us[i],
                            .peer = wanted.peer,
                            .make = [&wanted, tokens = kTokens[i]](const std::string &) {
                                return make_case(wanted, tokens);
                            }});
    return rows;
}

} // namespace moescope::bench
