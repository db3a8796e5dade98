#include "tests/benchmarks/route.h"

#include <cstddef>

namespace moescope::bench {

namespace {

constexpr float kNever = -4096; // far below any logit: never among the largest

template <typename T> T *upload(Memory &memory, const std::vector<T> &host) {
    T *device = memory.array<T>(std::int64_t(host.size()));
    check(cudaMemcpyAsync(device, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice,
                          stream()),
          "cudaMemcpy");
    check(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
    return device;
}

void choose_experts(Memory &memory, Routing &routing, Load load) {
    if (load == Load::OneExpert) {
        check(cudaMemsetAsync(routing.ids, 0, std::size_t(routing.slots) * 4, stream()), "memset");
        return;
    }
    ms_softmax_topk_args args{};
    args.struct_size = sizeof args;
    args.logits_dtype = MS_F32;
    args.logits = make_logits(memory, routing.tokens, routing.experts, load);
    args.logits_stride = args.experts = routing.experts;
    args.tokens = routing.tokens;
    args.top_k = routing.top_k;
    args.renorm = MS_RENORM_ADD;
    args.routed_scaling = 1;
    args.weights = memory.array<float>(routing.slots);
    args.ids = routing.ids;
    check(ms_softmax_topk(&args, stream()), "ms_softmax_topk");
}

void sort_by_expert(Memory &memory, Routing &routing) {
    ms_route_metadata_args args{};
    args.struct_size = sizeof args;
    args.experts = routing.experts;
    args.ids = routing.ids;
    args.slots = routing.slots;
    args.counts = routing.counts = memory.array<std::int32_t>(routing.experts);
    args.offsets = routing.offsets = memory.array<std::int32_t>(routing.experts + 1);
    args.sorted_slots = routing.sorted_slots = memory.array<std::int32_t>(routing.slots);
    args.inverse = routing.inverse = memory.array<std::int32_t>(routing.slots);
    args.workspace_bytes = ms_route_metadata_workspace_bytes(&args);
    args.workspace = memory.bytes(std::int64_t(args.workspace_bytes));
    check(ms_route_metadata(&args, stream()), "ms_route_metadata");
    routing.host_counts.resize(std::size_t(routing.experts));
    check(cudaMemcpyAsync(routing.host_counts.data(), routing.counts,
                          routing.host_counts.size() * 4, cudaMemcpyDeviceToHost, stream()),
          "cudaMemcpy");
    check(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
}

} // namespace

std::string_view text_of(Load load) {
    switch (load) {
    case Load::Uniform:
        return "uniform";
    case Load::Zipf:
        return "Zipf 1.2";
    case Load::HalfEmpty:
        return "half the experts empty";
    case Load::OneExpert:
        break;
    }
    return "all to one expert";
}

const ms_tile *Routing::tiles(Memory &memory, std::int32_t block_rows) {
    ms_tile *&schedule = schedules_[block_rows];
    if (schedule)
        return schedule;
    schedule = memory.array<ms_tile>(ms_max_tiles(slots, experts, block_rows));
    ms_tile_schedule_args args{};
    args.struct_size = sizeof args;
    args.experts = experts;
    args.offsets = offsets;
    args.slots = slots;
    args.block_rows = block_rows;
    args.tiles = schedule;
    check(ms_tile_schedule(&args, stream()), "ms_tile_schedule");
    return schedule;
}

float *make_logits(Memory &memory, std::int64_t tokens, std::int32_t experts, Load load,
                   std::uint64_t seed) {
    std::vector<float> popularity(static_cast<std::size_t>(experts)), gumbel(65536);
    make_log_popularity(experts, load == Load::Zipf ? 1.2 : 0, 1, popularity.data());
    make_gumbel_table(gumbel.data());
    if (load == Load::HalfEmpty)
        for (std::size_t expert = 1; expert < popularity.size(); expert += 2)
            popularity[expert] = kNever;
    RoutingLogitsArgs args{};
    float *logits = memory.array<float>(tokens * experts);
    args.logits = logits;
    args.dtype = MS_F32;
    args.tokens = tokens;
    args.experts = experts;
    args.log_popularity = upload(memory, popularity);
    args.gumbel_table = upload(memory, gumbel);
    args.seed = seed;
    check(routing_logits(&args, stream()), "routing_logits");
    return logits;
}

Routing make_routing(Memory &memory, std::int64_t tokens, std::int32_t experts, std::int32_t top_k,
                     Load load) {
    Routing routing;
    routing.tokens = tokens;
    routing.experts = experts;
    routing.top_k = top_k;
    routing.slots = tokens * top_k;
    routing.ids = memory.array<std::int32_t>(routing.slots);
    choose_experts(memory, routing, load);
    sort_by_expert(memory, routing);
    return routing;
}

} // namespace moescope::bench
