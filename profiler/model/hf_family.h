// What a Hugging Face model_type implies that its config.json does not say: how its router turns
// logits into weights. Read from the modeling_*.py of each family in transformers.
#pragma once

#include "profiler/model/model_shape.h"

#include <string_view>

namespace moescope {

struct HfFamily {
    std::string_view
        model_type; // "qwen3_moe"; a prefix: "qwen3_5_moe" stands for "qwen3_5_moe_text" too
    RouterKind router = RouterKind::Softmax;
    enum class Normalise { ByKey, ByKeyOrTrue, Always, Never } normalise = Normalise::ByKey;
    Renorm renorm = Renorm::Add; // the form it takes where it is done
    double epsilon = 0;
    GroupScore group_score = GroupScore::Top2Sum;
    bool correction_bias = false;
    bool gated = true;
    Activation activation = Activation::Silu; // where the configuration names none
    bool intermediate_is_experts = false; // intermediate_size is an expert's, not a dense layer's
    bool shared_is_dense_size = false;    // intermediate_size is the shared expert's
};

// The family whose model_type is the longest prefix of this one; null for an unknown one.
const HfFamily *find_hf_family(std::string_view model_type);

} // namespace moescope
