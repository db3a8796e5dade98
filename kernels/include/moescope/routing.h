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

/* softmax over all E experts in float32, then the k largest.
 *
 * Selection: larger logit first; equal logits (and -0 against +0): the lower expert first. The
 * k ids of a token are always distinct. Defined for every bit pattern: NaN counts as -infinity;
 * if a row holds +infinity, its +infinite logits share the whole mass evenly and the others get 0;
 * a row of nothing but -infinity or NaN selects experts 0..k-1 with weight 0.
 * A renormalising division by 0 gives 0. */
typedef int32_t ms_topk_variant;
enum {
    MS_TOPK_AUTO = 0,        /* warp bitonic if E <= 32, block merge sort if E <= 1024, else scalar */
    MS_TOPK_WARP_BITONIC = 1, /* one warp a token, E <= 32 */
    MS_TOPK_BLOCK_MERGE_SORT = 2, /* one block a token, CUB BlockMergeSort on packed keys, E <= 1024 */
    MS_TOPK_SCALAR = 3,      /* one thread a token: the baseline, any E */
};

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

/* sigmoid scores, correction bias for selection only, optional group-limited selection.
 *
 * choice = sigmoid(logit) + bias. With groups > 1: experts form `groups` equal consecutive groups,
 * a group's score is the sum of its two largest choices (DeepSeek-V3) or its largest one
 * (DeepSeek-V2), the groups_kept best groups stay (ties: the lower group), and every expert of the
 * other groups has choice -infinity (or 0, the older behaviour, as masked_fill says). The k largest choices
 * are selected (ties: the lower expert). The weight is sigmoid(logit), computed from the logit and
 * never from choice - bias. A NaN logit counts as -infinity (sigmoid 0); a NaN choice as -infinity. */
typedef int32_t ms_group_score;
enum { MS_GROUP_TOP2_SUM = 0, MS_GROUP_MAX = 1 };
typedef int32_t ms_masked_fill;
enum { MS_MASKED_NEG_INFINITY = 0, MS_MASKED_ZERO_COMPAT = 1 };

typedef struct ms_sigmoid_topk_args {
    uint32_t struct_size;
    ms_dtype logits_dtype;
    const void *logits;    /* [T, E] */
    int64_t logits_stride; /* >= E */
    int64_t tokens;        /* T >= 1 */
    int32_t experts;       /* 1 <= E <= 1024 */
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
 * two routings above. Exactly one of softmax and sigmoid is set (host pointers); their logits,
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
} ms_router_args;

MS_API size_t ms_router_workspace_bytes(const ms_router_args *args);
MS_API ms_status ms_router(const ms_router_args *args, ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_ROUTING_H */
