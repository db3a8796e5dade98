#include "profiler/worker/operators/topk_args.h"

namespace moescope {

namespace {

ms_renorm kernel_renorm(Renorm renorm) {
    switch (renorm) {
    case Renorm::Add:
        return MS_RENORM_ADD;
    case Renorm::Clamp:
        return MS_RENORM_CLAMP;
    case Renorm::Skip:
        return MS_RENORM_SKIP;
    case Renorm::None:
        break;
    }
    return MS_RENORM_NONE;
}

template <typename Args> Args common_args(const ModelShape &model, std::int64_t tokens) {
    Args args{};
    args.struct_size = sizeof args;
    args.logits_dtype = MS_F32;
    args.logits_stride = model.experts;
    args.tokens = tokens;
    args.experts = model.experts;
    args.top_k = model.top_k;
    args.renorm = kernel_renorm(model.renorm);
    args.renorm_epsilon = float(model.renorm_epsilon);
    args.routed_scaling = float(model.routed_scaling);
    return args;
}

} // namespace

ms_softmax_topk_args softmax_args(const ModelShape &model, std::int64_t tokens) {
    auto args = common_args<ms_softmax_topk_args>(model, tokens);
    args.variant = MS_TOPK_AUTO;
    if (model.router == RouterKind::TopkSoftmax) {
        args.renorm = MS_RENORM_ADD;
        args.renorm_epsilon = 0;
    }
    return args;
}

ms_sigmoid_topk_args sigmoid_args(const ModelShape &model, std::int64_t tokens) {
    auto args = common_args<ms_sigmoid_topk_args>(model, tokens);
    args.groups = model.groups;
    args.groups_kept = model.groups_kept;
    args.group_score = model.group_score == GroupScore::Max ? MS_GROUP_MAX : MS_GROUP_TOP2_SUM;
    args.masked_fill = MS_MASKED_NEG_INFINITY;
    return args;
}

} // namespace moescope
