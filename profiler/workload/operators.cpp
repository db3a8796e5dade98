#include "profiler/workload/operators.h"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace moescope {

namespace {

constexpr VariantInfo kSoftmaxVariants[] = {
    {"warp_bitonic", "Warp bitonic",
     "One warp a token: each lane holds one expert and the warp sorts by exchanging registers; E "
     "<= 32."},
    {"block_merge_sort", "Block merge sort",
     "One block a token: CUB's BlockMergeSort on 64-bit keys that pack the logit with the expert; "
     "E <= 1024."},
    {"scalar", "Scalar", "One thread a token walks all experts k times: the baseline, for any E."},
};
constexpr VariantInfo kSigmoidVariants[] = {
    {"warp", "Warp",
     "One warp a token: scores, group selection and top-k by exchanges within the warp; E <= "
     "1024."},
};
constexpr VariantInfo kRouterVariants[] = {
    {"plain", "Plain", "Hidden states times the gate weight, then the model's own routing."},
    {"lora", "Gate LoRA", "The same with a low-rank update of the gate: logits + s (x A^T) B^T."},
};
constexpr VariantInfo kMetadataVariants[] = {
    {"counting_sort", "Counting sort",
     "A stable counting sort of the routed tokens by expert: deterministic, and nothing reaches "
     "the host."},
};
constexpr VariantInfo kGroupedVariants[] = {
    {"base", "Base",
     "The grouped product alone, without LoRA: what the adapters add is measured against it."},
    {"fused", "Fused",
     "Base product and LoRA in one kernel: x A^T accumulates beside x W while x is on chip."},
    {"split", "Split",
     "Three passes: y = x W, then xa = x A^T, then y += s xa B^T; x and y are read again."},
    {"extra_k", "Extra K",
     "Two passes: xa = x A^T, then one product that is K + R deep: xa B^T, scaled, and x W share "
     "the same sums."},
};
constexpr VariantInfo kDequantVariants[] = {
    {"selective", "Selective",
     "Finds the active experts on the device and dequantises only those."},
    {"selective_nested", "Selective, nested",
     "As selective, with the block scales themselves quantised to 8 bits (bitsandbytes' double "
     "quantisation)."},
    {"full", "Full", "Dequantises every expert, whether a token needs it or not."},
    {"full_nested", "Full, nested",
     "As full, with the block scales themselves quantised to 8 bits."},
};
constexpr VariantInfo kSelectVariants[] = {
    {"selective", "Selective",
     "Finds the active experts on the device and copies their LoRA matrices into a compact array."},
};

constexpr std::array<OperatorInfo, kOperatorCount> kOperators = {{
    {OperatorId::SoftmaxTopk, "softmax_topk", "Softmax top-k",
     "Softmax over all experts in float32, then the k largest for each token; equal logits go to "
     "the lower expert.",
     kSoftmaxVariants, false},
    {OperatorId::SigmoidTopk, "sigmoid_topk", "Sigmoid top-k",
     "Sigmoid scores; a bias and the groups of experts decide the selection, and the unbiased "
     "score is the weight.",
     kSigmoidVariants, false},
    {OperatorId::Router, "router", "Router",
     "Hidden states to experts in one call: the gate's matrix product, then softmax or sigmoid "
     "top-k.",
     kRouterVariants, false},
    {OperatorId::RouteMetadata, "route_metadata", "Route metadata",
     "Sorts the routed tokens by expert: counts, offsets, both permutations and the tile schedule.",
     kMetadataVariants, false},
    {OperatorId::GateUp, "gate_up", "Gate and up projection",
     "Grouped product of each token with its experts' gate and up weights; gathers tokens, writes "
     "rows grouped by expert.",
     kGroupedVariants, true},
    {OperatorId::Down, "down", "Down projection",
     "Grouped product of the experts' inner rows with their down weights; reads grouped rows, "
     "scatters to routed tokens.",
     kGroupedVariants, true},
    {OperatorId::SelectiveDequant, "selective_dequant", "Selective dequantisation",
     "Expands NF4 expert weights to the model's dtype: only the experts that received tokens, "
     "against all of them.",
     kDequantVariants, false},
    {OperatorId::SelectLora, "select_lora", "LoRA selection",
     "Gathers the LoRA matrices of the experts that received tokens, to go with their dequantised "
     "weights.",
     kSelectVariants, false},
}};

} // namespace

std::span<const OperatorInfo> operators() { return kOperators; }

const OperatorInfo &info(OperatorId id) { return kOperators[std::size_t(id)]; }

Result<OperatorId> find_operator(std::string_view name) {
    std::vector<std::string_view> names;
    for (const OperatorInfo &each : kOperators) {
        if (each.name == name)
            return each.id;
        names.push_back(each.name);
    }
    return Error{fmt::format("operator \"{}\" is unknown", name),
                 fmt::format("the operators are {}", fmt::join(names, ", ")),
                 {}};
}

} // namespace moescope
