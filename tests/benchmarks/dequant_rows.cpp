#include "tests/benchmarks/device.h"
#include "tests/benchmarks/row.h"

#include <algorithm>
#include <memory>

namespace moescope::bench {

namespace {

struct Wanted {
    std::int32_t active, experts;
    std::int64_t k, n; // of one expert's weight
    double target_us, peer_us;
    const char *peer;
};

const Wanted kWanted[] = {
    {8, 256, 2048, 1024, 12, 16, "axolotl, codebook kept on the device"},
    {64, 256, 2048, 1024, 85, 117, "axolotl, codebook kept on the device"},
    {256, 256, 2048, 1024, 330, 464, "axolotl, codebook kept on the device"},
    {8, 8, 4096, 28672, 580, 974, "bitsandbytes"},
};

constexpr std::int32_t kBlock = 64;

Workload workload_of(const Wanted &wanted) {
    Workload workload;
    workload.model.experts = wanted.experts;
    workload.model.top_k = 1;
    workload.model.gated = false;
    workload.model.hidden = std::int32_t(wanted.k);
    workload.model.intermediate = std::int32_t(wanted.n);
    workload.tokens = wanted.active;
    workload.quant_block = kBlock;
    return workload;
}

struct Nf4Set {
    ms_expert_weights weights{};
    void *out = nullptr;
};

struct Nf4Case {
    Memory memory;
    std::vector<Nf4Set> sets;
    std::int32_t *active = nullptr, *count = nullptr;
    std::uint32_t *queue = nullptr; // null: a block for every tile there may be
};

const float *codebook(Memory &memory) {
    std::vector<float> code(16);
    for (std::size_t i = 0; i < code.size(); ++i)
        code[i] = -1 + 2 * float(i) / 15; // its values do not change the time
    float *device = memory.array<float>(16);
    check(cudaMemcpy(device, code.data(), 64, cudaMemcpyHostToDevice), "cudaMemcpy");
    return device;
}

Nf4Set make_set(const Wanted &wanted, Memory &memory) {
    const std::int64_t values = wanted.experts * wanted.k * wanted.n;
    Nf4Set set;
    set.weights.values = memory.normal(MS_BF16, values / 4); // any bits are two values a byte
    set.weights.absmax = static_cast<float *>(memory.normal(MS_F32, values / kBlock));
    set.weights.code = codebook(memory);
    set.weights.block_size = kBlock;
    set.weights.experts = wanted.experts;
    set.weights.expert_numel = wanted.k * wanted.n;
    set.out = memory.bytes(wanted.active * wanted.k * wanted.n * 2);
    return set;
}

// Every (experts / active)-th expert.
void choose_active(const Wanted &wanted, Nf4Case &made) {
    std::vector<std::int32_t> active(static_cast<std::size_t>(wanted.experts), -1);
    for (std::int32_t i = 0; i < wanted.active; ++i)
        active[std::size_t(i)] = i * (wanted.experts / wanted.active);
    auto *device = made.memory.array<std::int32_t>(wanted.experts + 1);
    check(cudaMemcpy(device, active.data(), active.size() * 4, cudaMemcpyHostToDevice),
          "cudaMemcpy");
    check(cudaMemcpy(device + wanted.experts, &wanted.active, 4, cudaMemcpyHostToDevice),
          "cudaMemcpy");
    made.active = device;
    made.count = device + wanted.experts;
}

// Queued: the call does not know how many experts are active, and takes tiles from a queue.
Case make_case(const Wanted &wanted, bool queued) {
    const auto holds = std::make_shared<Nf4Case>();
    choose_active(wanted, *holds);
    if (queued) {
        holds->queue = holds->memory.array<std::uint32_t>(2);
        check(cudaMemset(holds->queue, 0, 8), "cudaMemset");
    }
    // What one call touches: the active experts' share.
    const std::int64_t touched = wanted.active * wanted.k * wanted.n * 5 / 2;
    for (int i = 0; i < std::min(4, sets_past_l2(touched)); ++i)
        holds->sets.push_back(make_set(wanted, holds->memory));
    std::vector<std::int32_t> counts(static_cast<std::size_t>(wanted.experts));
    std::fill_n(counts.begin(), wanted.active, 1);
    Case made;
    made.sets = int(holds->sets.size());
    made.cost = minimum_cost(workload_of(wanted), OperatorId::SelectiveDequant, "selective", counts);
    made.launch = [wanted, holds](int set, ms_stream stream) {
        const Nf4Set &one = holds->sets[std::size_t(set)];
        ms_selective_dequant_args args{};
        args.struct_size = sizeof args;
        args.out_dtype = MS_BF16;
        args.weights = one.weights;
        args.active = holds->active;
        args.count = holds->count;
        args.capacity = holds->queue ? wanted.experts : wanted.active;
        args.out = one.out;
        args.scratch = holds->queue;
        return ms_selective_dequant(&args, stream);
    };
    made.holds = holds;
    return made;
}

} // namespace

std::vector<Row> dequant_rows() {
    std::vector<Row> rows;
    for (const bool queued : {false, true})
        for (const Wanted &wanted : kWanted)
            rows.push_back({.op = "selective_dequant",
                            .shape = std::to_string(wanted.active) + " of " +
                                     std::to_string(wanted.experts) + " experts, " +
                                     std::to_string(wanted.k) + "x" + std::to_string(wanted.n),
                            .pass = queued ? "NF4, block 64, queue" : "NF4, block 64",
                            .target_us = wanted.target_us,
                            .peer_us = wanted.peer_us,
                            .peer = wanted.peer,
                            .make = [&wanted, queued](const std::string &) { return make_case(wanted, queued); }});
    return rows;
}

} // namespace moescope::bench
