#include "tests/benchmarks/device.h"
#include "tests/benchmarks/row.h"

#include <algorithm>
#include <memory>

namespace moescope::bench {

namespace {

constexpr std::int32_t kVocab = 151936; // Qwen3's
constexpr std::int64_t kTable = 4096;   // rows of the published table

struct Wanted {
    OperatorId op;
    std::int64_t rows;
    DType dtype;
    double target_us = 0, peer_us = 0;
    const char *peer = "";
};

const Wanted kWanted[] = {
    {OperatorId::Entropy, kTable, DType::BF16, 290, 425, "axolotl"},
    {OperatorId::Entropy, kTable, DType::F32, 570, 583, "axolotl"},
    {OperatorId::EntropyBackward, kTable, DType::BF16, 600, 7520, "TRL (torch)"},
    {OperatorId::SelectiveLogSoftmax, kTable, DType::BF16, 290, 349, "axolotl"},
    {OperatorId::SelectiveLogSoftmaxBackward, kTable, DType::BF16, 600, 648, "axolotl"},
    {OperatorId::SelectiveLogSoftmaxBackward, kTable, DType::F32, 1200, 1284, "axolotl"},
    {OperatorId::EntropyBackward, kTable, DType::F32},
    {OperatorId::SelectiveLogSoftmax, kTable, DType::F32},
    {OperatorId::Entropy, kTable, DType::F16},
    {OperatorId::EntropyBackward, kTable, DType::F16},
    {OperatorId::SelectiveLogSoftmax, kTable, DType::F16},
    {OperatorId::SelectiveLogSoftmaxBackward, kTable, DType::F16},
    {OperatorId::LogprobStats, kTable, DType::BF16},
    {OperatorId::LogprobStats, 1, DType::BF16},
    {OperatorId::LogprobStats, 8, DType::BF16},
    {OperatorId::LogprobStats, 64, DType::BF16},
    {OperatorId::EntropyBackward, 64, DType::BF16},
};

bool is_backward(OperatorId op) {
    return op == OperatorId::EntropyBackward || op == OperatorId::SelectiveLogSoftmaxBackward;
}

// Inputs and outputs of one call of any of the operators.
struct LogprobSet {
    ms_logits logits{};
    std::int64_t *indices = nullptr;
    float *entropy = nullptr, *lse = nullptr, *logps = nullptr, *gradient = nullptr;
    void *dlogits = nullptr;
};

struct LogprobCase {
    Memory memory;
    std::vector<LogprobSet> sets;
    void *workspace = nullptr;
    std::size_t workspace_bytes = 0;
};

template <class Args> Args args_of(const LogprobSet &set, const LogprobCase &made) {
    Args args{};
    args.struct_size = sizeof args;
    args.logits = set.logits;
    args.logit_scale = 1;
    args.lse = set.lse;
    args.workspace = made.workspace;
    args.workspace_bytes = made.workspace_bytes;
    if constexpr (requires { args.indices; }) {
        args.indices = set.indices;
        args.selected = 1;
    }
    if constexpr (requires { args.logps; })
        args.logps = set.logps;
    if constexpr (requires { args.entropy; })
        args.entropy = set.entropy;
    if constexpr (requires { args.dentropy; })
        args.dentropy = set.gradient;
    if constexpr (requires { args.dlogps; })
        args.dlogps = set.gradient;
    if constexpr (requires { args.dlogits; }) {
        args.dlogits = set.dlogits;
        std::copy_n(set.logits.strides, 3, args.dlogits_strides);
        args.dlogits_vocab_stride = 1;
    }
    return args;
}

ms_status launch(OperatorId op, const LogprobSet &set, const LogprobCase &made, ms_stream stream) {
    const auto call = [&](auto function, auto args) { return function(&args, stream); };
    switch (op) {
    case OperatorId::Entropy:
        return call(ms_entropy, args_of<ms_entropy_args>(set, made));
    case OperatorId::EntropyBackward:
        return call(ms_entropy_backward, args_of<ms_entropy_backward_args>(set, made));
    case OperatorId::SelectiveLogSoftmax:
        return call(ms_selective_log_softmax, args_of<ms_selective_log_softmax_args>(set, made));
    case OperatorId::SelectiveLogSoftmaxBackward:
        return call(ms_selective_log_softmax_backward,
                    args_of<ms_selective_log_softmax_backward_args>(set, made));
    default:
        return call(ms_logprob_stats, args_of<ms_logprob_stats_args>(set, made));
    }
}

LogprobSet make_set(const Wanted &wanted, Memory &memory) {
    const ms_dtype dtype = wanted.dtype == DType::F32   ? MS_F32
                           : wanted.dtype == DType::F16 ? MS_F16
                                                        : MS_BF16;
    const std::int64_t count = wanted.rows * kVocab;
    LogprobSet set;
    set.logits = {dtype, memory.normal(dtype, count, 4), {1, 1, wanted.rows}, {0, 0, kVocab},
                  kVocab, 1};
    std::vector<std::int64_t> indices(static_cast<std::size_t>(wanted.rows));
    for (std::size_t i = 0; i < indices.size(); ++i)
        indices[i] = std::int64_t(i) * 7919 % kVocab;
    set.indices = memory.array<std::int64_t>(wanted.rows);
    check(cudaMemcpy(set.indices, indices.data(), indices.size() * 8, cudaMemcpyHostToDevice),
          "cudaMemcpy");
    for (float **array : {&set.entropy, &set.lse, &set.logps})
        *array = memory.array<float>(wanted.rows);
    set.gradient = static_cast<float *>(memory.normal(MS_F32, wanted.rows));
    if (is_backward(wanted.op))
        set.dlogits = memory.bytes(count * bytes_of(wanted.dtype));
    return set;
}

Case make_case(const Wanted &wanted) {
    const auto holds = std::make_shared<LogprobCase>();
    holds->workspace_bytes = ms_logprob_stats_workspace_bytes(nullptr);
    holds->workspace = holds->memory.bytes(std::int64_t(holds->workspace_bytes));
    Workload workload;
    workload.model.vocab = kVocab;
    workload.model.dtype = wanted.dtype;
    workload.tokens = wanted.rows;
    Case made;
    made.cost = minimum_cost(workload, wanted.op, "one_read", {});
    made.sets = sets_past_l2(std::int64_t(made.cost.bytes));
    for (int i = 0; i < made.sets; ++i) {
        holds->sets.push_back(make_set(wanted, holds->memory));
        // What a backward pass takes from the forward one.
        check(launch(OperatorId::LogprobStats, holds->sets.back(), *holds, stream()),
              "ms_logprob_stats");
    }
    made.launch = [wanted, holds](int set, ms_stream stream) {
        return launch(wanted.op, holds->sets[std::size_t(set)], *holds, stream);
    };
    made.holds = holds;
    return made;
}

} // namespace

std::vector<Row> logprob_rows() {
    std::vector<Row> rows;
    for (const Wanted &wanted : kWanted)
        rows.push_back(
            {.op = std::string(info(wanted.op).name),
             .shape = std::to_string(wanted.rows) + " x " + std::to_string(kVocab),
             .pass = std::string(is_backward(wanted.op) ? "backward " : "forward ") +
                     (wanted.dtype == DType::F32   ? "f32"
                      : wanted.dtype == DType::F16 ? "f16"
                                                   : "bf16"),
             .target_us = wanted.target_us,
             .peer_us = wanted.peer_us,
             .peer = wanted.peer,
             .make = [&wanted](const std::string &) { return make_case(wanted); }});
    return rows;
}

} // namespace moescope::bench
