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

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_MLP_H */
