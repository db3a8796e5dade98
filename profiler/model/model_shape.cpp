#include "profiler/model/model_shape.h"

#include "profiler/base/checks.h"

#include <fmt/format.h>

namespace moescope {

namespace {

Status validate_sizes(const ModelShape &shape) {
    for (const Status &status :
         {check_range("experts", shape.experts, 1, 4096),
          check_multiple("hidden", shape.hidden, 8, 65536, 8),
          check_multiple("intermediate", shape.intermediate, 8, 262144, 8),
          check_range("shared_experts", shape.shared_experts, 0, 1024),
          check_range("shared_intermediate", shape.shared_intermediate, 0, 1 << 20),
          check_multiple("latent", shape.latent, 0, 65536, 8),
          check_range("dense_first", shape.dense_first, 0, 1024),
          check_range("vocab", shape.vocab, 0, 1 << 24)})
        if (!status)
            return status;
    if (shape.top_k < 1 || shape.top_k > shape.experts)
        return Error{fmt::format("top_k is {}", shape.top_k),
                     fmt::format("{} has {} experts, so top_k must be 1..{}", shape.name,
                                 shape.experts, shape.experts),
                     {}};
    return {};
}

Status validate_groups(const ModelShape &shape) {
    if (shape.groups < 1 || shape.experts % shape.groups != 0)
        return Error{fmt::format("groups is {}", shape.groups),
                     fmt::format("it must divide the {} experts", shape.experts),
                     {}};
    if (const Status status = check_range("groups_kept", shape.groups_kept, 1, shape.groups);
        !status)
        return status;
    const int group_size = shape.experts / shape.groups;
    if (shape.top_k > shape.groups_kept * group_size)
        return Error{fmt::format("top_k is {}", shape.top_k),
                     fmt::format("{} kept groups of {} experts leave {} to choose from",
                                 shape.groups_kept, group_size, shape.groups_kept * group_size),
                     {}};
    if (shape.groups > 1 && shape.group_score == GroupScore::Top2Sum && group_size < 2)
        return Error{fmt::format("groups is {}", shape.groups),
                     "a group scored by its two best experts must hold at least 2",
                     {}};
    return {};
}

Status validate_router(const ModelShape &shape) {
    if (shape.router < RouterKind::Softmax || shape.router > RouterKind::TopkSigmoid)
        return Error{fmt::format("router is {}", int(shape.router)),
                     "it must be softmax, sigmoid, topk_softmax, sqrtsoftplus or topk_sigmoid",
                     {}};
    if (shape.renorm < Renorm::None || shape.renorm > Renorm::Skip)
        return Error{fmt::format("renorm is {}", int(shape.renorm)),
                     "it must be none, add, clamp or skip",
                     {}};
    if (shape.group_score < GroupScore::Top2Sum || shape.group_score > GroupScore::Max)
        return Error{fmt::format("group_score is {}", int(shape.group_score)),
                     "it must be top2_sum or max",
                     {}};
    if (shape.activation < Activation::Silu || shape.activation > Activation::Relu2)
        return Error{fmt::format("activation is {}", int(shape.activation)),
                     "it must be silu, gelu, gelu_tanh, clamped_swish or relu2",
                     {}};
    if (shape.activation == Activation::ClampedSwish && !shape.gated)
        return Error{"activation is clamped_swish", "it needs a gate, and gated is false", {}};
    if (shape.dtype < DType::F32 || shape.dtype > DType::BF16)
        return Error{
            fmt::format("dtype is {}", int(shape.dtype)), "it must be f32, f16 or bf16", {}};
    if (const Status status = check_real("renorm_epsilon", shape.renorm_epsilon, 0, 1); !status)
        return status;
    return check_real("routed_scaling", shape.routed_scaling, 1e-6, 1e6);
}

} // namespace

Status validate(const ModelShape &shape) {
    if (const Status status = validate_sizes(shape); !status)
        return status;
    if (const Status status = validate_router(shape); !status)
        return status;
    return validate_groups(shape);
}

const char *name_of(RouterKind kind) {
    switch (kind) {
    case RouterKind::Softmax:
        return "softmax";
    case RouterKind::Sigmoid:
        return "sigmoid";
    case RouterKind::TopkSoftmax:
        return "topk_softmax";
    case RouterKind::SqrtSoftplus:
        return "sqrtsoftplus";
    case RouterKind::TopkSigmoid:
        return "topk_sigmoid";
    }
    return "unknown";
}

const char *name_of(Renorm renorm) {
    switch (renorm) {
    case Renorm::None:
        return "none";
    case Renorm::Add:
        return "add";
    case Renorm::Clamp:
        return "clamp";
    case Renorm::Skip:
        return "skip";
    }
    return "unknown";
}

const char *name_of(Activation activation) {
    switch (activation) {
    case Activation::Silu:
        return "silu";
    case Activation::Gelu:
        return "gelu";
    case Activation::GeluTanh:
        return "gelu_tanh";
    case Activation::ClampedSwish:
        return "clamped_swish";
    case Activation::Relu2:
        return "relu2";
    }
    return "unknown";
}

const char *name_of(GroupScore score) {
    switch (score) {
    case GroupScore::Top2Sum:
        return "top2_sum";
    case GroupScore::Max:
        return "max";
    }
    return "unknown";
}

const char *name_of(DType dtype) {
    switch (dtype) {
    case DType::F32:
        return "f32";
    case DType::F16:
        return "f16";
    case DType::BF16:
        return "bf16";
    }
    return "unknown";
}

} // namespace moescope
