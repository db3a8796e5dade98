// Quantised expert weights and the LoRA matrices that go with them.
//
//   selective_dequant (of the gate_up weights, NF4 blocks of q values, D experts of n = KN values)
//                  bytes = Dn(1/2 + 4/q + b) + 64         packed, float32 absmax, out; codebook
//                  nested: Dn(1/2 + 1/q + 4/(q p) + b) + 64 + 1024   p = nested_block; second codebook
//                  selective: D = E_act, and 4S + 8E + 4  ids in; active, remap, count out
//                  full: D = E
//   select_lora    bytes = 2b E_act R(K + N) + 4S + 8E + 4  of gate_up's A and B: read and written
#include "profiler/workload/operators/definition.h"

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
};
constexpr VariantInfo kSelectVariants[] = {
    {"selective", "Selective",
     "Finds the active experts on the device and copies their LoRA matrices into a compact array.",
     true},
};

bool is_nested(std::string_view variant) { return variant.ends_with("_nested"); }
bool is_full(std::string_view variant) { return variant.starts_with("full"); }

// Bytes that hold the quantised form of one weight value, its share of the scales included.
double quantised_bytes(const Workload &workload, bool nested) {
    const double block = workload.quant_block;
    return nested ? 0.5 + 1 / block + 4 / (block * workload.nested_block) : 0.5 + 4 / block;
}

double codebook_bytes(bool nested) { return nested ? 64 + 1024 : 64; }

Cost dequant_cost(const CostCase &c) {
    const Sizes &s = c.sizes;
    const bool nested = is_nested(c.variant.name), full = is_full(c.variant.name);
    const double values = (full ? s.experts : s.active) * s.k * s.n;
    return {values * (quantised_bytes(c.workload, nested) + s.element) + codebook_bytes(nested) +
                (full ? 0 : s.active_list()),
            0};
}

double dequant_memory(const CostCase &c) {
    const Sizes &s = c.sizes;
    const double both_forms = quantised_bytes(c.workload, false) + quantised_bytes(c.workload, true);
    return s.sort_workspace() + 2 * codebook_bytes(true) + s.active_list() +
           s.experts * s.k * s.n * (both_forms - 0.5 + s.element);
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
              .explain = "Expands NF4 expert weights to the model's dtype: only the experts that "
                         "received tokens, against all of them.",
              .variants = kDequantVariants},
     .cost = dequant_cost,
     .memory = dequant_memory},
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
