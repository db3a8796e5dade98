#include "profiler/model/hf_family.h"

namespace moescope {

namespace {

using Normalise = HfFamily::Normalise;

// Sigmoid scores, a correction bias, weights over (their sum + 1e-20): DeepSeek-V3's router, which
// many families share.
constexpr HfFamily deepseek_v3_router(std::string_view model_type) {
    return {.model_type = model_type,
            .router = RouterKind::Sigmoid,
            .normalise = Normalise::ByKeyOrTrue,
            .epsilon = 1e-20,
            .correction_bias = true};
}

constexpr HfFamily kFamilies[] = {
    {.model_type = "mixtral", .normalise = Normalise::Always, .intermediate_is_experts = true},
    {.model_type = "minimax", .normalise = Normalise::Always, .intermediate_is_experts = true},
    {.model_type = "minimax_m2",
     .router = RouterKind::Sigmoid,
     .normalise = Normalise::Always,
     .correction_bias = true,
     .intermediate_is_experts = true},
    {.model_type = "minimax_m3",
     .router = RouterKind::Sigmoid,
     .normalise = Normalise::Always,
     .correction_bias = true,
     .intermediate_is_experts = true},
    {.model_type = "olmoe", .intermediate_is_experts = true},
    {.model_type = "flex_olmo", .intermediate_is_experts = true},
    {.model_type = "phimoe", .normalise = Normalise::Never, .intermediate_is_experts = true},
    {.model_type = "gpt_oss",
     .router = RouterKind::TopkSoftmax,
     .normalise = Normalise::Always,
     .activation = Activation::ClampedSwish, // its configuration says silu
     .intermediate_is_experts = true},
    {.model_type = "llama4",
     .router = RouterKind::TopkSigmoid,
     .normalise = Normalise::Never,
     .intermediate_is_experts = true,
     .shared_is_dense_size = true},
    {.model_type = "qwen2_moe"},
    {.model_type = "qwen3_moe"},
    {.model_type = "qwen3_vl_moe"},
    {.model_type = "qwen3_next", .normalise = Normalise::ByKeyOrTrue},
    {.model_type = "qwen3_5_moe", .normalise = Normalise::Always},
    {.model_type = "hunyuan", .normalise = Normalise::Always, .intermediate_is_experts = true},
    {.model_type = "gemma4",
     .normalise = Normalise::Always,
     .activation = Activation::GeluTanh,
     .shared_is_dense_size = true},
    {.model_type = "deepseek_v2", .normalise = Normalise::Never, .group_score = GroupScore::Max},
    deepseek_v3_router("deepseek_v3"),
    {.model_type = "deepseek_v4",
     .router = RouterKind::SqrtSoftplus,
     .normalise = Normalise::Always,
     .epsilon = 1e-20,
     .correction_bias = true},
    deepseek_v3_router("kimi"),
    deepseek_v3_router("glm4_moe"),
    deepseek_v3_router("glm4v_moe"),
    deepseek_v3_router("glm_moe_dsa"),
    deepseek_v3_router("mimo_v2_flash"),
    deepseek_v3_router("exaone_moe"),
    {.model_type = "dots1",
     .router = RouterKind::Sigmoid,
     .normalise = Normalise::ByKey,
     .epsilon = 1e-20,
     .correction_bias = true},
    {.model_type = "nemotron_h",
     .router = RouterKind::Sigmoid,
     .normalise = Normalise::ByKeyOrTrue,
     .epsilon = 1e-20,
     .correction_bias = true,
     .gated = false,
     .activation = Activation::Relu2},
    {.model_type = "mistral4", .normalise = Normalise::ByKeyOrTrue, .epsilon = 1e-20},
    {.model_type = "longcat_flash", .normalise = Normalise::Never, .correction_bias = true},
    {.model_type = "ernie4_5_moe",
     .normalise = Normalise::Always,
     .renorm = Renorm::Clamp,
     .epsilon = 1e-12,
     .correction_bias = true},
    {.model_type = "lfm2_moe",
     .router = RouterKind::Sigmoid,
     .normalise = Normalise::ByKeyOrTrue,
     .epsilon = 1e-6,
     .correction_bias = true},
};

} // namespace

const HfFamily *find_hf_family(std::string_view model_type) {
    const HfFamily *best = nullptr;
    for (const HfFamily &family : kFamilies)
        if (model_type.starts_with(family.model_type) &&
            (!best || family.model_type.size() > best->model_type.size()))
            best = &family;
    return best;
}

} // namespace moescope
