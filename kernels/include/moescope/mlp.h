/* The gated MLP of the experts: what stands around its two grouped matrix products. */
#ifndef MOESCOPE_MLP_H
#define MOESCOPE_MLP_H

#include "moescope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* out[t] = sum over j < k of weights[t, j] * y[row of slot t*k + j]: what every expert of a token
 * answered, in the order of its slots, so that the same bits come out every time. Sums in float32,
 * rounds once to out_dtype. A slot without a row (inverse -1: its id was no expert's) adds nothing,
 * and its row is not read. With weights null it is the plain sum, which a gradient of x wants.
 * Formula: ScatterMoE (arXiv 2403.08245), section 3.2. */
typedef struct ms_combine_args {
    uint32_t struct_size;
    ms_dtype dtype;     /* of y: MS_F32, MS_F16 or MS_BF16 */
    ms_dtype out_dtype; /* dtype, MS_F32, or either 16-bit type from MS_F32 */
    int32_t top_k;      /* k >= 1 */
    int64_t tokens;     /* T >= 0; T*k < 2^31 */
    int32_t width;      /* N >= 1, columns */
    int32_t y_grouped;  /* rows of y: by sorted position (needs inverse), else by slot */
    const void *y;      /* [T*k, N] */
    int64_t y_stride;   /* >= N */
    const float *weights;   /* [T, k], or null: 1 */
    const int32_t *inverse; /* [T*k] from ms_route_metadata; null: every slot has a row */
    void *out;              /* out [T, N]; must not overlap y */
    int64_t out_stride;     /* >= N */
} ms_combine_args;

MS_API ms_status ms_combine(const ms_combine_args *args, ms_stream stream);

/* The gradient of ms_combine. dy[row of slot] = weights[slot] * dout[token], rounded once to dtype;
 * dweights[slot] = sum over n of dout[token, n] * y[row of slot, n] in float32, in an order that
 * depends on the shape alone. A slot without a row has dweights 0, and no row of dy is written for
 * it. */
typedef struct ms_combine_backward_args {
    uint32_t struct_size;
    ms_dtype dtype;      /* of y and dy: MS_F32, MS_F16 or MS_BF16 */
    ms_dtype dout_dtype; /* dtype, or MS_F32 */
    int32_t top_k;
    int64_t tokens;
    int32_t width;
    int32_t y_grouped;      /* rows of y and dy: by sorted position, else by slot */
    const void *dout;       /* [T, N] */
    int64_t dout_stride;    /* >= N */
    const void *y;          /* [T*k, N] as ms_combine read it; null without dweights */
    int64_t y_stride;       /* >= N with y */
    const float *weights;   /* [T, k], or null: 1 */
    const int32_t *inverse; /* as in ms_combine_args */
    void *dy;               /* out [T*k, N], or null; may be y itself */
    int64_t dy_stride;      /* >= N with dy */
    float *dweights;        /* out [T, k], or null */
} ms_combine_backward_args;

MS_API ms_status ms_combine_backward(const ms_combine_backward_args *args, ms_stream stream);

typedef int32_t ms_activation;
enum {
    MS_ACT_SILU = 0,        /* x * sigmoid(x); gated: SwiGLU */
    MS_ACT_GELU = 1,        /* x * Phi(x), with erf */
    MS_ACT_GELU_TANH = 2,   /* its tanh approximation */
    MS_ACT_CLAMPED_SWISH = 3, /* gpt-oss: x * sigmoid(alpha * x), gated only: (clamped up + 1) * that */
    MS_ACT_RELU2 = 4,       /* max(x, 0)^2 */
};

/* out = act(gate) * up, or act(h) without a gate; times the row's weight, if weights are given.
 * Computes in float32, rounds once to dtype.
 * MS_ACT_CLAMPED_SWISH: gate = min(gate, limit), up = min(max(up, -limit), limit), out = (up + 1) *
 * gate * sigmoid(alpha * gate) (transformers' GptOssExperts: alpha 1.702, limit 7, interleaved). */
typedef struct ms_gated_activation_args {
    uint32_t struct_size;
    ms_dtype dtype; /* of h and out: MS_F32, MS_F16 or MS_BF16 */
    ms_activation kind;
    int32_t gated;       /* 1: h has 2I columns; 0: I */
    int32_t interleaved; /* columns of h: 0: gates, then ups; 1: gate, up, gate, up ... */
    float alpha;         /* > 0 and limit > 0, of MS_ACT_CLAMPED_SWISH; else not looked at */
    float limit;
    int32_t width;       /* I >= 1 */
    int64_t rows;        /* S >= 0, < 2^31 */
    const void *h;       /* [S, 2I] or [S, I], what the first matrix product gave */
    int64_t h_stride;    /* >= 2I, or I */
    const float *weights; /* or null; row r's is weights[slots[r]], or weights[r] with slots null */
    const int32_t *slots; /* [S], sorted_slots of ms_route_metadata: a row whose slot is -1 is left
                             alone; null: every row counts */
    void *out;            /* out [S, I] */
    int64_t out_stride;   /* >= I */
} ms_gated_activation_args;

MS_API ms_status ms_gated_activation(const ms_gated_activation_args *args, ms_stream stream);

/* The gradient of ms_gated_activation from h alone: with a = act(gate) * up of a row,
 * dh = weight * dout * da/dh, rounded once to dtype; dweights[slot] = sum over columns of dout * a,
 * in float32, in an order that depends on I alone; out, where wanted, is the forward's output made
 * again. Where a value is at its limit or cut to it, its derivative is 0. Rows without a slot are left alone. */
typedef struct ms_gated_activation_backward_args {
    uint32_t struct_size;
    ms_dtype dtype; /* of h, dout, dh and out */
    ms_activation kind;
    int32_t gated;
    int32_t interleaved;
    float alpha;
    float limit;
    int32_t width;
    int64_t rows;
    const void *h; /* as the forward read it */
    int64_t h_stride;
    const void *dout; /* [S, I] */
    int64_t dout_stride;
    const float *weights;
    const int32_t *slots;
    void *dh; /* out, shaped as h; may be h itself */
    int64_t dh_stride;
    float *dweights; /* out, at [slots[r]] or [r]; or null */
    void *out;       /* out [S, I], or null; may be dout itself */
    int64_t out_stride;
} ms_gated_activation_backward_args;

MS_API ms_status ms_gated_activation_backward(const ms_gated_activation_backward_args *args,
                                              ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_MLP_H */
