#include "tests/benchmarks/nf4.h"

namespace moescope::bench {

namespace {

const float *make_codebook(Memory &memory) {
    std::vector<float> code(16);
    for (std::size_t i = 0; i < code.size(); ++i)
        code[i] = -1 + 2 * float(i) / 15;
    float *device = memory.array<float>(16);
    check(cudaMemcpy(device, code.data(), 64, cudaMemcpyHostToDevice), "cudaMemcpy");
    return device;
}

} // namespace

ms_expert_weights make_nf4(Memory &memory, std::int32_t experts, std::int64_t expert_numel) {
    const std::int64_t values = experts * expert_numel;
    ms_expert_weights weights{};
    weights.format = MS_WEIGHTS_NF4;
    weights.experts = experts;
    weights.expert_numel = expert_numel;
    weights.values = memory.normal(MS_BF16, (values + 3) / 4);
    weights.absmax =
        static_cast<float *>(memory.normal(MS_F32, (values + kNf4Block - 1) / kNf4Block));
    weights.code = make_codebook(memory);
    weights.block_size = kNf4Block;
    return weights;
}

// Both move the same otherwise: a dense copy out, and a list of the active experts.
double nf4_less_dense_bytes(Workload workload, const std::vector<std::int32_t> &counts) {
    workload.quant_format = QuantFormat::NF4;
    workload.quant_block = kNf4Block;
    const auto bytes = [&](const char *variant) {
        return minimum_cost(workload, OperatorId::SelectiveDequant, variant, counts).bytes;
    };
    return bytes("selective") - bytes("dense");
}

} // namespace moescope::bench
