// The shape of one Mixture-of-Experts layer: plain values, independent of any device.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <string>

namespace moescope {

enum class RouterKind { Softmax, Sigmoid, TopkSoftmax, SqrtSoftplus, TopkSigmoid };
enum class Renorm { None, Add, Clamp, Skip };
enum class GroupScore { Top2Sum, Max };
// Of an expert: moescope/mlp.h has the formulas. ClampedSwish is gpt-oss's: gate and up columns in turn.
enum class Activation { Silu, Gelu, GeluTanh, ClampedSwish, Relu2 };
enum class DType { F32, F16, BF16 };

struct ModelShape {
    std::string name;                  // "Mixtral-8x7B", "custom"
    std::string source;                // where the numbers come from, as assets/models.json says
    std::int32_t experts = 8;          // E, routed experts: 1..4096
    std::int32_t hidden = 4096;        // H: multiple of 8, 8..65536
    std::int32_t intermediate = 14336; // I, of one routed expert: multiple of 8, 8..262144
    std::int32_t top_k = 2;            // k: 1..E
    std::int32_t shared_experts = 0;
    std::int32_t shared_intermediate =
        0;                        // total inner size of the shared experts, 0 where there are none
    std::int32_t latent = 0;      // experts work on this size instead of H; 0: on H
    std::int32_t dense_first = 0; // leading layers without experts
    std::int32_t vocab = 0;       // V, tokens of the vocabulary: 1..16777216; 0: not known
    RouterKind router = RouterKind::Softmax;
    Renorm renorm = Renorm::Add;
    double renorm_epsilon = 0.0;
    std::int32_t groups = 1;      // n_group
    std::int32_t groups_kept = 1; // topk_group
    GroupScore group_score = GroupScore::Top2Sum;
    double routed_scaling = 1.0;
    bool correction_bias = false;
    bool gated = true; // gate_up has 2*I columns; false: I
    Activation activation = Activation::Silu;
    DType dtype = DType::BF16;

    // Size the experts read and write: latent where there is one, else hidden.
    std::int32_t expert_hidden() const { return latent > 0 ? latent : hidden; }
    // Of the logits a routing reads. Hugging Face's routers keep the model's dtype where the order is
    // that of the logits, and compute in float32 where a score, a bias or groups decide.
    DType router_logits() const {
        const bool by_logit = router == RouterKind::Softmax || router == RouterKind::TopkSoftmax ||
                              router == RouterKind::TopkSigmoid;
        return by_logit && !correction_bias && groups_kept == groups ? dtype : DType::F32;
    }
    std::int32_t gate_up_columns() const { return gated ? 2 * intermediate : intermediate; }

    friend bool operator==(const ModelShape &, const ModelShape &) = default;
};

// The first field that is wrong, its value and what it may be.
Status validate(const ModelShape &shape);

const char *name_of(RouterKind);
const char *name_of(Renorm);
const char *name_of(GroupScore);
const char *name_of(Activation);
const char *name_of(DType);

} // namespace moescope
