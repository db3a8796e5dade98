// Quantised weights to dense ones; and NF4 weights met by a product, decoded in the kernel or before.
#include "tests/benchmarks/nf4.h"
#include "tests/benchmarks/shapes.h"

#include <algorithm>
#include <memory>

namespace moescope::bench {

namespace {

struct Wanted {
    std::int32_t active, experts;
    std::int64_t k, n; // of one expert's weight
    double target_us = 0, peer_us = 0;
    const char *peer = "";
    ms_weight_format format = MS_WEIGHTS_NF4;
    bool nested = false;
};

const Wanted kWanted[] = {
    {8, 256, 2048, 1024, 12, 16, "axolotl, codebook kept on the device"},
    {64, 256, 2048, 1024, 85, 117, "axolotl, codebook kept on the device"},
    {256, 256, 2048, 1024, 330, 464, "axolotl, codebook kept on the device"},
    {8, 8, 4096, 28672, 580, 974, "bitsandbytes"},
};
const Wanted kOtherFormats[] = {
    {.active = 64, .experts = 256, .k = 2048, .n = 1024, .nested = true},
    {.active = 64, .experts = 256, .k = 2048, .n = 1024, .format = MS_WEIGHTS_FP4},
    {.active = 64, .experts = 256, .k = 2048, .n = 1024, .format = MS_WEIGHTS_FP8_TENSOR},
    {.active = 64, .experts = 256, .k = 2048, .n = 1024, .format = MS_WEIGHTS_FP8_ROW},
    {.active = 64, .experts = 256, .k = 2048, .n = 1024, .format = MS_WEIGHTS_FP8_BLOCK},
    {.active = 64, .experts = 256, .k = 2048, .n = 1024, .format = MS_WEIGHTS_MXFP4},
    {.active = 64, .experts = 256, .k = 2048, .n = 1024, .format = MS_WEIGHTS_DENSE},
};

constexpr std::int32_t kNestedBlock = 256;

std::string format_text(const Wanted &wanted) {
    switch (wanted.format) {
    case MS_WEIGHTS_NF4:
    case MS_WEIGHTS_FP4:
        return std::string(wanted.format == MS_WEIGHTS_NF4 ? "NF4" : "FP4") + ", block " +
               std::to_string(kNf4Block) + (wanted.nested ? ", nested" : "");
    case MS_WEIGHTS_FP8_TENSOR:
        return "FP8, scale a tensor";
    case MS_WEIGHTS_FP8_ROW:
        return "FP8, scale a row";
    case MS_WEIGHTS_FP8_BLOCK:
        return "FP8, scale a 128x128 block";
    case MS_WEIGHTS_MXFP4:
        return "MXFP4";
    default:
        return "dense, copied";
    }
}

QuantFormat quant_format(ms_weight_format format) {
    switch (format) {
    case MS_WEIGHTS_FP4:
        return QuantFormat::FP4;
    case MS_WEIGHTS_FP8_TENSOR:
        return QuantFormat::FP8Tensor;
    case MS_WEIGHTS_FP8_ROW:
        return QuantFormat::FP8Row;
    case MS_WEIGHTS_FP8_BLOCK:
        return QuantFormat::FP8Block;
    case MS_WEIGHTS_MXFP4:
        return QuantFormat::MXFP4;
    default:
        return QuantFormat::NF4;
    }
}

Workload workload_of(const Wanted &wanted) {
    Workload workload;
    workload.model.experts = wanted.experts;
    workload.model.top_k = 1;
    workload.model.gated = false;
    workload.model.hidden = std::int32_t(wanted.k);
    workload.model.intermediate = std::int32_t(wanted.n);
    workload.tokens = wanted.active;
    workload.quant_format = quant_format(wanted.format);
    workload.quant_block = kNf4Block;
    workload.nested_block = kNestedBlock;
    return workload;
}

struct WeightSet {
    ms_expert_weights weights{};
    void *out = nullptr;
};

struct DequantCase {
    Memory memory;
    std::vector<WeightSet> sets;
    std::int32_t *active = nullptr, *count = nullptr;
    std::uint32_t *queue = nullptr; // null: a block for every tile there may be
};

void nest_absmax(Memory &memory, ms_expert_weights &weights) {
    const std::int64_t blocks = weights.experts * weights.expert_numel / kNf4Block;
    weights.absmax = nullptr;
    weights.absmax_u8 = static_cast<std::uint8_t *>(memory.normal(MS_BF16, (blocks + 1) / 2));
    weights.nested_code = static_cast<float *>(memory.normal(MS_F32, 256));
    weights.nested_block = kNestedBlock;
    weights.nested_absmax = static_cast<float *>(
        memory.normal(MS_F32, (blocks + kNestedBlock - 1) / kNestedBlock));
}

// Rows are the N output columns' weights, K long.
std::int64_t scales_an_expert(const Wanted &wanted) {
    if (wanted.format == MS_WEIGHTS_FP8_ROW)
        return wanted.n;
    return wanted.format == MS_WEIGHTS_FP8_BLOCK ? (wanted.n + 127) / 128 * ((wanted.k + 127) / 128) : 1;
}

ms_expert_weights make_weights(const Wanted &wanted, Memory &memory) {
    const std::int64_t values = wanted.experts * wanted.k * wanted.n;
    const bool dense = wanted.format == MS_WEIGHTS_DENSE;
    ms_expert_weights weights{};
    if (wanted.format == MS_WEIGHTS_NF4 || wanted.format == MS_WEIGHTS_FP4) {
        weights = make_nf4(memory, wanted.experts, wanted.k * wanted.n);
        if (wanted.nested)
            nest_absmax(memory, weights);
    } else if (wanted.format == MS_WEIGHTS_MXFP4) {
        weights.values = memory.normal(MS_BF16, values / 4);
        weights.exponents = static_cast<std::uint8_t *>(memory.normal(MS_BF16, values / 64));
    } else {
        weights.values = memory.normal(MS_BF16, dense ? values : values / 2);
        weights.columns = std::int32_t(wanted.k);
        weights.scales =
            static_cast<float *>(memory.normal(MS_F32, wanted.experts * scales_an_expert(wanted)));
    }
    weights.format = wanted.format;
    weights.experts = wanted.experts;
    weights.expert_numel = wanted.k * wanted.n;
    return weights;
}

WeightSet make_set(const Wanted &wanted, Memory &memory) {
    return {make_weights(wanted, memory), memory.bytes(wanted.active * wanted.k * wanted.n * 2)};
}

// Every (experts / active)-th expert.
void choose_active(const Wanted &wanted, DequantCase &made) {
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
    const auto holds = std::make_shared<DequantCase>();
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
    const char *variant = wanted.format == MS_WEIGHTS_DENSE ? "dense"
                          : wanted.nested                     ? "selective_nested"
                                                              : "selective";
    made.cost = minimum_cost(workload_of(wanted), OperatorId::SelectiveDequant, variant, counts);
    made.launch = [wanted, holds](int set, ms_stream stream) {
        const WeightSet &one = holds->sets[std::size_t(set)];
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

Row row_of(const Wanted &wanted, bool queued) {
    return {.op = "selective_dequant",
            .shape = std::to_string(wanted.active) + " of " + std::to_string(wanted.experts) +
                     " experts, " + std::to_string(wanted.k) + "x" + std::to_string(wanted.n),
            .pass = format_text(wanted) + (queued ? ", queue" : ""),
            .target_us = wanted.target_us,
            .peer_us = wanted.peer_us,
            .peer = wanted.peer,
            .make = [&wanted, queued](const std::string &) { return make_case(wanted, queued); }};
}

const GroupedShape &kProduct = kQwenGateUp;
constexpr std::int64_t kProductTokens[] = {64, 2048};

// The product of weights decoded in the kernel.
Case in_kernel_case(std::int64_t tokens, const std::string &config) {
    return grouped_case(kProduct, {tokens, 0}, GroupedPass::Nf4, config);
}

// The other way: every expert's weights to a dense copy, and the product of that.
Case decoded_before_case(std::int64_t tokens, const std::string &config) {
    struct Holds {
        Memory memory;
        Case product;
        ms_expert_weights nf4{};
    };
    const auto holds = std::make_shared<Holds>();
    GroupedCase *grouped = nullptr;
    holds->product = grouped_case(kProduct, {tokens, 0}, GroupedPass::Base, config, &grouped);
    holds->nf4 = make_nf4(holds->memory, kProduct.experts, std::int64_t(kProduct.k) * kProduct.n);
    const Workload workload = kProduct.workload(tokens, 0);
    Case made = holds->product;
    made.parts = {minimum_cost(workload, OperatorId::SelectiveDequant, "full",
                               grouped->routing().host_counts),
                  made.cost};
    made.cost = {made.parts[0].bytes + made.parts[1].bytes, made.parts[1].flops};
    made.launch = [holds, grouped](int set, ms_stream stream) {
        ms_selective_dequant_args args{};
        args.struct_size = sizeof args;
        args.out_dtype = MS_BF16;
        args.weights = holds->nf4;
        args.capacity = kProduct.experts;
        args.out = grouped->input(set).w;
        const ms_status status = ms_selective_dequant(&args, stream);
        return status == MS_OK ? holds->product.launch(set, stream) : status;
    };
    made.holds = holds;
    return made;
}

} // namespace

std::vector<Row> dequant_rows() {
    std::vector<Row> rows;
    for (const bool queued : {false, true})
        for (const Wanted &wanted : kWanted)
            rows.push_back(row_of(wanted, queued));
    for (const Wanted &wanted : kOtherFormats)
        rows.push_back(row_of(wanted, false));
    for (const std::int64_t tokens : kProductTokens)
        for (auto *const make : {in_kernel_case, decoded_before_case})
            rows.push_back({.op = "scatter2scatter",
                            .shape = kProduct.name + " T=" + std::to_string(tokens),
                            .pass = make == in_kernel_case ? "NF4 in the kernel" : "NF4, then base",
                            .make = [make, tokens](const std::string &config) {
                                return make(tokens, config);
                            }});
    return rows;
}

} // namespace moescope::bench
