/* Log-probabilities of a vocabulary: entropy, selected log-probabilities and log-sum-exp. */
#ifndef MOESCOPE_LOGPROB_H
#define MOESCOPE_LOGPROB_H

#include "moescope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of V logits. Row r = (i0 * sizes[1] + i1) * sizes[2] + i2 begins at element
 * i0 * strides[0] + i1 * strides[1] + i2 * strides[2]; a plain matrix of N rows has sizes {1, 1, N}.
 * Below, N is the product of sizes, z = logit_scale * logits (logit_scale is 1 / temperature),
 * p = softmax(z) of a row. All arithmetic is float32 with the row's largest logit subtracted first.
 *
 * Every bit pattern is defined. A logit of -infinity has p = 0: it adds nothing to the entropy and
 * gets gradient 0, and its log-probability is -infinity. A row that holds NaN or +infinity gives NaN
 * in entropy, log-probabilities, lse and gradients; a row of nothing but -infinity has lse =
 * -infinity and NaN elsewhere (torch.log_softmax and torch.logsumexp, but for lse with +infinity).
 * Float32 does not resolve a finite z of more than 1e8 in magnitude: the results of its row may be
 * infinite or NaN. The gradients take p from lse and carry its rounding: half a unit in its last
 * place, which is 3 % of p at 1e6.
 *
 * Deterministic: the same bits in every run on the same device. */
typedef struct ms_logits {
    ms_dtype dtype;
    const void *data;
    int64_t sizes[3];     /* >= 0; at most 2^40 rows */
    int64_t strides[3];   /* >= 0 */
    int64_t vocab;        /* V, 1..2^31-1 */
    int64_t vocab_stride; /* >= 1; other than 1 is slow */
} ms_logits;

/* How the rows are worked through; the results agree within rounding. */
typedef int32_t ms_logprob_variant;
enum {
    MS_LOGPROB_ONE_READ = 0, /* forward reads the logits once; backward reads and writes once */
    MS_LOGPROB_CHUNKED = 1,  /* the baseline: log_softmax of 128 rows at a time is written to the
                                workspace in float32 and read back, as the PyTorch trainers do
                                (TRL's entropy_from_logits) */
};

/* H = -sum p log p = log S - sum e^(z - m) (z - m) / S, with m the largest z and S = sum e^(z - m). */
typedef struct ms_entropy_args {
    uint32_t struct_size;
    ms_logprob_variant variant;
    ms_logits logits;
    float logit_scale; /* 1e-6..1e6 */
    float *entropy;    /* out [N] */
    float *lse;        /* out [N] log-sum-exp of z, for the backward pass; or null */
    void *workspace;   /* 16-byte aligned */
    size_t workspace_bytes;
} ms_entropy_args;

MS_API size_t ms_entropy_workspace_bytes(const ms_entropy_args *args);
MS_API ms_status ms_entropy(const ms_entropy_args *args, ms_stream stream);

/* dlogits = -logit_scale * dentropy * p (log p + H), in the dtype and shape of the logits. dlogits
 * may be the logits themselves (same address and strides): then they are overwritten. */
typedef struct ms_entropy_backward_args {
    uint32_t struct_size;
    ms_logprob_variant variant;
    ms_logits logits;
    float logit_scale;
    const float *dentropy; /* [N] */
    const float *entropy;  /* [N] from the forward pass */
    const float *lse;      /* [N] from the forward pass */
    void *dlogits;         /* out, no element at the same address as another */
    int64_t dlogits_strides[3];
    int64_t dlogits_vocab_stride;
    void *workspace; /* 16-byte aligned; MS_LOGPROB_CHUNKED alone needs one */
    size_t workspace_bytes;
} ms_entropy_backward_args;

MS_API size_t ms_entropy_backward_workspace_bytes(const ms_entropy_backward_args *args);
MS_API ms_status ms_entropy_backward(const ms_entropy_backward_args *args, ms_stream stream);

/* logps[r, j] = log p of row r at indices[r, j]. An index outside 0..V-1 (an ignored label) selects
 * nothing: its log-probability is 0, and so is its part in the gradient. */
typedef struct ms_selective_log_softmax_args {
    uint32_t struct_size;
    ms_logprob_variant variant;
    ms_logits logits;
    float logit_scale;
    const int64_t *indices; /* [N, K] */
    int32_t selected;       /* K, 1..1024 */
    float *logps;           /* out [N, K] */
    float *lse;             /* out [N], or null */
    void *workspace;
    size_t workspace_bytes;
} ms_selective_log_softmax_args;

MS_API size_t ms_selective_log_softmax_workspace_bytes(
    const ms_selective_log_softmax_args *args);
MS_API ms_status ms_selective_log_softmax(const ms_selective_log_softmax_args *args,
                                          ms_stream stream);

/* dlogits[r, i] = logit_scale * (sum_j dlogps[r, j] [i = indices[r, j]] - p_i sum_j dlogps[r, j]),
 * over the indices in 0..V-1; those that are equal add up. In place as above. */
typedef struct ms_selective_log_softmax_backward_args {
    uint32_t struct_size;
    ms_logprob_variant variant;
    ms_logits logits;
    float logit_scale;
    const int64_t *indices; /* [N, K] */
    int32_t selected;       /* K, 1..1024 */
    const float *dlogps;    /* [N, K] */
    const float *lse;       /* [N] from the forward pass */
    void *dlogits;
    int64_t dlogits_strides[3];
    int64_t dlogits_vocab_stride;
    void *workspace;
    size_t workspace_bytes;
} ms_selective_log_softmax_backward_args;

MS_API size_t ms_selective_log_softmax_backward_workspace_bytes(
    const ms_selective_log_softmax_backward_args *args);
MS_API ms_status ms_selective_log_softmax_backward(
    const ms_selective_log_softmax_backward_args *args, ms_stream stream);

/* Entropy, selected log-probabilities and log-sum-exp, all of one read of the logits. */
typedef struct ms_logprob_stats_args {
    uint32_t struct_size;
    ms_logits logits;
    float logit_scale;
    const int64_t *indices; /* [N, K] */
    int32_t selected;       /* K, 1..1024 */
    float *entropy;         /* out [N] */
    float *logps;           /* out [N, K] */
    float *lse;             /* out [N] */
    void *workspace;
    size_t workspace_bytes;
} ms_logprob_stats_args;

MS_API size_t ms_logprob_stats_workspace_bytes(const ms_logprob_stats_args *args);
MS_API ms_status ms_logprob_stats(const ms_logprob_stats_args *args, ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_LOGPROB_H */
