// Quantised expert weights and the LoRA matrices that go with them.
//
//   selective_dequant (of the gate_up weights, D experts of n = KN values)
//                  bytes = Dn(v + b) + s + c               quantised values and scales in, out; tables
//                  nf4, fp4: v = 1/2 + 4/q, c = 64         blocks of q values, float32 absmax; codebook
//                     nested: v = 1/2 + 1/q + 4/(q p), c = 64 + 1024     p = nested_block
//                  fp8: v = 1, and s = 4D(1, N or ceil(N/128) ceil(K/128)) for scales a tensor, a
//                     row or a block; rows are the N output columns' weights
//                  mxfp4: v = 1/2 + 1/32
//                  dense: v = b                            copied, not dequantised
//                  selective, dense: D = E_act, and 4S + 8E + 4  ids in; active, remap, count out
//                  full: D = E
//   select_lora    bytes = 2b E_act R(K + N) + 4S + 8E + 4  of gate_up's A and B: read and written
#include "profiler/workload/operators/definition.h"

#include <cmath>
#include <string>

namespace moescope {

namespace {

constexpr VariantInfo kDequantVariants[] = {
    {"selective", "Selective",
     "Finds the active experts on the device and dequantises only those."},
    {"selective_nested", "Selective, nested",
     "As selective, with the block scales themselves quantised to 8 bits (bitsandbytes' double "
     "quantisation)."},
    {"full", "Full", "Dequantises every expert, whether a token needs it or not."},
    {"full_nested", "Full, nested",
     "As full, with the block scales themselves quantised to 8 bits."},
    {"dense", "Dense, gathered",
     "Copies the active experts of weights that were never quantised: what dequantisation competes "
     "with where memory is no concern."},
};
constexpr VariantInfo kSelectVariants[] = {
    {"selective", "Selective",
     "Finds the active experts on the device and copies their LoRA matrices into a compact array.",
     true},
};

bool is_nested(std::string_view variant) { return variant.ends_with("_nested"); }
bool is_full(std::string_view variant) { return variant.starts_with("full"); }

bool is_dense(std::string_view variant) { return variant == "dense"; }

bool has_codebook(QuantFormat format) {
    return format == QuantFormat::NF4 || format == QuantFormat::FP4;
}

double ceil_div(double a, double b) { return std::ceil(a / b); }

// Bytes that hold the quantised form of one expert, its scales included.
double expert_bytes(const CostCase &c, bool nested) {
    const double k = c.sizes.k, n = c.sizes.n, values = k * n, block = c.workload.quant_block;
    switch (c.workload.quant_format) {
    case QuantFormat::FP8Tensor:
        return values + 4;
    case QuantFormat::FP8Row:
        return values + 4 * n;
    case QuantFormat::FP8Block:
        return values + 4 * ceil_div(n, 128) * ceil_div(k, 128);
    case QuantFormat::MXFP4:
        return values * (0.5 + 1.0 / 32);
    default:
        return values * (0.5 + (nested ? 1 / block + 4 / (block * c.workload.nested_block) : 4 / block));
    }
}

double codebook_bytes(const Workload &workload, bool nested) {
    return !has_codebook(workload.quant_format) ? 0 : nested ? 64 + 1024 : 64;
}

Cost dequant_cost(const CostCase &c) {
    const Sizes &s = c.sizes;
    const std::string_view variant = c.variant.name;
    const double out = s.element * s.k * s.n;
    if (is_dense(variant))
        return {2 * s.active * out + s.active_list(), 0};
    const bool nested = is_nested(variant), full = is_full(variant);
    return {(full ? s.experts : s.active) * (expert_bytes(c, nested) + out) +
                codebook_bytes(c.workload, nested) + (full ? 0 : s.active_list()),
            0};
}

double dequant_memory(const CostCase &c) {
    const Sizes &s = c.sizes;
    const double values = s.k * s.n, out = s.element * values;
    const double both_forms = expert_bytes(c, false) + expert_bytes(c, true) - values / 2;
    const double inputs = has_codebook(c.workload.quant_format) ? both_forms : expert_bytes(c, false);
    // The dense weights are made when their variant runs.
    const double dense = is_dense(c.variant.name) ? out : 0;
    return s.sort_workspace() + 8 + 2 * codebook_bytes(c.workload, true) + s.active_list() +
           s.experts * (inputs + dense + out);
}

Status check_dequant(const Workload &workload, const OperatorInfo &, std::string_view variant) {
    if (!is_nested(variant) || has_codebook(workload.quant_format))
        return {};
    return refusal(std::string("the scales of ") + name_of(workload.quant_format) + " are not quantised",
                   "choose nf4 or fp4");
}

Cost select_cost(const CostCase &c) {
    return {2 * c.sizes.lora(c.sizes.active) + c.sizes.active_list(), 0};
}

double select_memory(const CostCase &c) {
    return c.sizes.sort_workspace() + c.sizes.active_list() + 2 * c.sizes.lora(c.sizes.experts);
}

constexpr OperatorDefinition kOperators[] = {
    {.info = {.id = OperatorId::SelectiveDequant,
              .family = OperatorFamily::Dequant,
              .name = "selective_dequant",
              .title = "Selective dequantisation",
              .explain = "Expands quantised expert weights to the model's dtype: only the experts that "
                         "received tokens, against all of them.",
              .variants = kDequantVariants},
     .cost = dequant_cost,
     .memory = dequant_memory,
     .check = check_dequant},
    {.info = {.id = OperatorId::SelectLora,
              .family = OperatorFamily::Dequant,
              .name = "select_lora",
              .title = "LoRA selection",
              .explain = "Gathers the LoRA matrices of the experts that received tokens, to go "
                         "with their dequantised weights.",
              .variants = kSelectVariants},
     .cost = select_cost,
     .memory = select_memory},
};

} // namespace

Definitions dequant_operators() { return kOperators; }

} // namespace moescope
