#include "profiler/workload/topk_args.h"

#include "profiler/workload/kernel_dtype.h"

namespace moescope {

namespace {

ms_score kernel_score(RouterKind router) {
    switch (router) {
    case RouterKind::Sigmoid:
        return MS_SCORE_SIGMOID;
    case RouterKind::SqrtSoftplus:
        return MS_SCORE_SQRT_SOFTPLUS;
    case RouterKind::TopkSoftmax:
        return MS_SCORE_TOPK_SOFTMAX;
    case RouterKind::TopkSigmoid:
        return MS_SCORE_TOPK_SIGMOID;
    case RouterKind::Softmax:
        break;
    }
    return MS_SCORE_SOFTMAX;
}

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

} // namespace

ms_topk_args plain_softmax_args(const ModelShape &model, std::int64_t tokens) {
    ms_topk_args args{};
    args.struct_size = sizeof args;
    args.logits_stride = model.experts;
    args.tokens = tokens;
    args.experts = model.experts;
    args.top_k = model.top_k;
    args.groups = args.groups_kept = 1;
    args.routed_scaling = 1.0f;
    return args;
}

ms_topk_args topk_args(const ModelShape &model, std::int64_t tokens) {
    ms_topk_args args = plain_softmax_args(model, tokens);
    args.logits_dtype = kernel_dtype(model.router_logits());
    args.score = kernel_score(model.router);
    args.groups = model.groups;
    args.groups_kept = model.groups_kept;
    args.group_score = model.group_score == GroupScore::Max ? MS_GROUP_MAX : MS_GROUP_TOP2_SUM;
    args.renorm = model.router == RouterKind::TopkSoftmax ? MS_RENORM_NONE // its weights add up to 1
                                                          : kernel_renorm(model.renorm);
    args.renorm_epsilon = float(model.renorm_epsilon);
    args.routed_scaling = float(model.routed_scaling);
    return args;
}

} // namespace moescope
