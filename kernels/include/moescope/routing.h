/* Routing: logits to the selected experts and their weights. */
#ifndef MOESCOPE_ROUTING_H
#define MOESCOPE_ROUTING_H

#include "moescope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is done to the k selected weights w of a token, with s = sum(w) and epsilon from the args. */
typedef int32_t ms_renorm;
enum {
    MS_RENORM_NONE = 0,  /* w */
    MS_RENORM_ADD = 1,   /* w / (s + epsilon)      DeepSeek-V3: 1e-20; Qwen3 with norm_topk_prob: 0 */
    MS_RENORM_CLAMP = 2, /* w / max(s, epsilon)    ERNIE-4.5: 1e-12 */
    MS_RENORM_SKIP = 3,  /* w / s if s > epsilon, else w   ONNX Runtime: 1e-6 */
};

/* Which kernel runs. All select the same experts in the same order, to the bit; the weights agree
 * within float32 rounding. */
typedef int32_t ms_topk_variant;
enum {
    MS_TOPK_AUTO = 0,         /* the fastest that takes the arguments */
    MS_TOPK_WARP_BITONIC = 1, /* one warp a token sorts one expert a lane: plain softmax, E <= 32 */
    MS_TOPK_BLOCK_MERGE_SORT = 2, /* one block a token, CUB BlockMergeSort on packed keys: plain softmax, E <= 1024 */
    MS_TOPK_SCALAR = 3,       /* one thread a token: the baseline, anything */
    MS_TOPK_WARP_SELECT = 4,  /* a warp or a part of one a token, sorted lists in registers: E <= 1024, k <= 32 */
};

/* What a logit x is worth. A NaN logit counts as -infinity everywhere. */
typedef int32_t ms_score;
enum {
    MS_SCORE_SOFTMAX = 0,       /* softmax over all E experts in float32    Qwen3, Mixtral, OLMoE, ERNIE-4.5 */
    MS_SCORE_SIGMOID = 1,       /* 1 / (1 + exp(-x))                        DeepSeek-V3, GLM-4.5, MiniMax-M2 */
    MS_SCORE_SQRT_SOFTPLUS = 2, /* sqrt(log(1 + exp(x)))                    DeepSeek-V4 */
    MS_SCORE_TOPK_SOFTMAX = 3,  /* selected by x; softmax over the k selected  gpt-oss */
    MS_SCORE_TOPK_SIGMOID = 4,  /* selected by x; sigmoid of each selected     Llama 4 */
};

typedef int32_t ms_group_score;
enum {
    MS_GROUP_TOP2_SUM = 0, /* the sum of its two largest choices, its only one for a group of one   DeepSeek-V3 */
    MS_GROUP_MAX = 1,      /* its largest choice                                                    DeepSeek-V2 */
};
typedef int32_t ms_masked_fill;
enum {
    MS_MASKED_NEG_INFINITY = 0,
    MS_MASKED_ZERO_COMPAT = 1, /* 0, as older routers have it: masked experts beat a negative choice */
};

/* Logits to the k selected experts of each token and their weights: every router there is, as
 * choice -> groups -> selection -> weight -> renormalisation -> scaling -> rounding.
 *
 * Choice: score + bias for the first three scores, x + bias for the MS_SCORE_TOPK_* ones. A softmax
 * with neither bias nor groups scored by TOP2_SUM is ordered by x itself, which its score's
 * rounding would only blur. A NaN choice counts as -infinity.
 *
 * Groups: experts form `groups` equal consecutive groups, the groups_kept best ones stay (ties: the
 * lower group), and every expert of the other groups has the choice masked_fill says (-infinity
 * where the order is that of x).
 *
 * Selection: the k largest choices, the largest first; equal ones (and -0 against +0): the lower
 * expert first. The k ids of a token are always distinct. Every variant and the reference select
 * the same ids, to the bit: sigmoid, sqrt(softplus) and a softmax that meets a bias are computed in
 * operations every machine rounds alike.
 *
 * Weight: the score without the bias, computed from the logit and never from choice - bias. If a
 * softmax's logits hold +infinity, those share the whole mass evenly and the others get 0; where
 * they are nothing but -infinity all weights are 0. A renormalising division by 0 gives 0.
 * sqrt(softplus(+infinity)) is +infinity, and NaN once it is renormalised.
 *
 * Sources: Hugging Face transformers, models/{qwen3_moe, gpt_oss, llama4, deepseek_v2, deepseek_v3,
 * deepseek_v4, ernie4_5_moe, longcat_flash, mistral4}/modeling_*.py. */
typedef struct ms_topk_args {
    uint32_t struct_size;
    ms_dtype logits_dtype;
    const void *logits;    /* [T, E] */
    int64_t logits_stride; /* >= E */
    int64_t tokens;        /* T >= 1 */
    int32_t experts;       /* 1 <= E <= 2^20 */
    int32_t top_k;         /* 0 < k <= E, and k <= groups_kept * E / groups */
    ms_topk_variant variant;
    ms_score score;
    const float *bias;   /* [E] or null */
    int32_t groups;      /* >= 1, divides E; 1 for no group limit */
    int32_t groups_kept; /* 1 <= groups_kept <= groups */
    ms_group_score group_score;
    ms_masked_fill masked_fill;
    ms_renorm renorm;
    float renorm_epsilon;   /* >= 0 */
    float routed_scaling;   /* multiplies the weights after the renormalisation; 1 for none */
    ms_dtype weights_round; /* the weights are rounded to this dtype last (Hugging Face casts them to
                               the logits' dtype in some versions) and stored as float32 anyway */
    float *weights;         /* out [T, k], descending by choice */
    int32_t *ids;           /* out [T, k] */
} ms_topk_args;

MS_API ms_status ms_topk(const ms_topk_args *args, ms_stream stream);

/* ms_topk with MS_SCORE_SOFTMAX, no bias and no groups. */
typedef struct ms_softmax_topk_args {
    uint32_t struct_size;
    ms_dtype logits_dtype;
    const void *logits;    /* [T, E] */
    int64_t logits_stride; /* >= E */
    int64_t tokens;        /* T >= 1 */
    int32_t experts;       /* E >= 1 */
    int32_t top_k;         /* 0 < k <= E */
    ms_topk_variant variant;
    ms_renorm renorm;
    float renorm_epsilon; /* >= 0 */
    float routed_scaling; /* multiplies the weights last; 1 for none */
    float *weights;       /* out [T, k], descending by logit */
    int32_t *ids;         /* out [T, k] */
} ms_softmax_topk_args;

MS_API ms_status ms_softmax_topk(const ms_softmax_topk_args *args, ms_stream stream);

/* ms_topk with MS_SCORE_SIGMOID. */
typedef struct ms_sigmoid_topk_args {
    uint32_t struct_size;
    ms_dtype logits_dtype;
    const void *logits;    /* [T, E] */
    int64_t logits_stride; /* >= E */
    int64_t tokens;        /* T >= 1 */
    int32_t experts;       /* E >= 1 */
    int32_t top_k;         /* 0 < k <= E, and k <= groups_kept * E / groups */
    const float *bias;     /* [E] or null */
    int32_t groups;        /* >= 1, divides E; 1 for no group limit */
    int32_t groups_kept;   /* 1 <= groups_kept <= groups */
    ms_group_score group_score;
    ms_masked_fill masked_fill;
    ms_renorm renorm;
    float renorm_epsilon; /* >= 0 */
    float routed_scaling; /* multiplies the weights last; 1 for none */
    float *weights;       /* out [T, k], descending by choice */
    int32_t *ids;         /* out [T, k] */
} ms_sigmoid_topk_args;

MS_API ms_status ms_sigmoid_topk(const ms_sigmoid_topk_args *args, ms_stream stream);

/* logits = hidden * gate^T (+ scaling * (hidden * lora_a^T) * lora_b^T) in float32, then one of the
 * routings above. Exactly one of softmax, sigmoid and topk is set (host pointers); their logits,
 * logits_dtype, logits_stride, tokens and experts are taken from here. */
typedef struct ms_router_args {
    uint32_t struct_size;
    ms_dtype dtype;        /* of hidden, gate, lora_a, lora_b: MS_F16 or MS_BF16 */
    const void *hidden;    /* [T, H] */
    int64_t hidden_stride; /* >= H */
    const void *gate;      /* [E, H] */
    int64_t tokens;        /* T >= 1 */
    int32_t hidden_size;   /* H, a multiple of 8 */
    int32_t experts;       /* E >= 1 */
    int32_t rank;          /* 0 for no LoRA, else 1..256 */
    float scaling;
    const void *lora_a;    /* [R, H] */
    const void *lora_b;    /* [E, R] */
    float *logits;         /* out [T, E] */
    const ms_softmax_topk_args *softmax;
    const ms_sigmoid_topk_args *sigmoid;
    void *workspace;
    size_t workspace_bytes;
    const ms_topk_args *topk;
} ms_router_args;

MS_API size_t ms_router_workspace_bytes(const ms_router_args *args);
MS_API ms_status ms_router(const ms_router_args *args, ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_ROUTING_H */
