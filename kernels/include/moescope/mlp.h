/* The gated MLP of the experts: what stands around its two grouped matrix products. */
#ifndef MOESCOPE_MLP_H
#define MOESCOPE_MLP_H

#include "moescope/lora_grad.h"
#include "moescope/scatter2scatter.h"

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

/* One of the layer's two grouped products, K -> N: fields as in ms_scatter2scatter_args. */
typedef struct ms_moe_projection {
    const void *w;
    int32_t w_transposed;
    const ms_expert_weights *w_quantised; /* host, or null: takes w's place */
    const void *lora_a;          /* [E, R, K], with a rank */
    const void *lora_b;          /* [E, N, R] */
    const void *bias;            /* [E, N], or null */
    void *xa; /* out [S, R rounded up to 8], kept for the gradient of lora_b; or null */
    ms_tile_config config;
} ms_moe_projection;

/* The experts of a layer, routed already: out[t] = sum over the slots of t of weights[slot] *
 * down(act(gate_up(x[t]))). Five steps enqueued by one call: tile schedules, gate_up [H -> 2I], the
 * activation, down [I -> H], the weighted sum. Rounded to dtype: h, act and y (and XA); everything
 * within a step is float32. A slot without an expert adds nothing.
 * The formula: transformers' MixtralExperts, Qwen3MoeExperts; with MS_ACT_CLAMPED_SWISH,
 * interleaved and biases: GptOssExperts. Errors: those of the steps, by their names; steps before
 * the one that is refused have been enqueued. */
typedef struct ms_moe_mlp_args {
    uint32_t struct_size;
    ms_dtype dtype; /* MS_F16 or MS_BF16, of everything but weights */
    ms_s2s_variant variant; /* of both products */
    int32_t rank;           /* R: 0 for no LoRA */
    float scaling;
    int64_t tokens;       /* T; S = T*k < 2^31 */
    int32_t top_k;        /* k */
    int32_t experts;      /* E */
    int32_t hidden;       /* H: a multiple of 8 */
    int32_t intermediate; /* I: a multiple of 8 */
    ms_activation activation;
    int32_t gated;
    int32_t interleaved;
    float alpha;
    float limit;
    int32_t expand; /* of w_quantised: 0: NF4, decoded in the kernels; 1: any format, the experts with
                       slots are expanded to dtype first, in the workspace, one projection at a time */
    const void *x; /* [T, H] */
    int64_t x_stride;
    const float *weights;        /* [T, k], or null: 1 */
    const int32_t *sorted_slots; /* from ms_route_metadata */
    const int32_t *inverse;
    const int32_t *offsets;
    ms_moe_projection gate_up;
    ms_moe_projection down;
    void *h;   /* out [S, 2I] ([S, I] without a gate), by sorted position: what the backward pass wants */
    void *act; /* out [S, I], the same */
    void *y;   /* out [S, H], the same */
    void *out; /* out [T, H] */
    int64_t out_stride;
    void *workspace; /* 256-byte aligned */
    size_t workspace_bytes;
} ms_moe_mlp_args;

/* Device pointers of args are not read; 0 where the args are wrong. */
MS_API size_t ms_moe_mlp_workspace_bytes(const ms_moe_mlp_args *args);
MS_API ms_status ms_moe_mlp(const ms_moe_mlp_args *args, ms_stream stream);
/* Compiles (or finds in the cache) the tile kernels that this call would launch, side by side, for arch
 * as ms_scatter2scatter_compile takes it. Device pointers of args are not read. */
MS_API ms_status ms_moe_mlp_compile(const ms_moe_mlp_args *args, const char *arch);

/* The gradients of ms_moe_mlp, the base weights frozen: of x, of the routing weights and of the LoRA
 * matrices of both products. Seven steps: dy = weights * dout and dweights; dX of down; dA and dB of
 * down; the activation's gradient; dX of gate_up, a row a slot; dA and dB of gate_up; the sum of a
 * token's rows. Rounded to dtype: dy, the gradients of act and of h, the rows before their sum, and
 * dY*B. Every sum has a fixed order: the same bits every time. Quantised weights want
 * forward->expand: decoded in the kernel they have no backward pass, MS_UNSUPPORTED. */
typedef struct ms_moe_mlp_backward_args {
    uint32_t struct_size;
    ms_dtype grad_dtype; /* of the LoRA gradients: dtype, or MS_F32 */
    const ms_moe_mlp_args *forward; /* host: the call that was made, its out, workspace and variant
                                       aside; h, act, y and, with a rank, both xa hold its results */
    ms_s2s_variant variant; /* of dX with a rank: MS_S2S_EXTRA_K or MS_S2S_SPLIT */
    const void *dout;       /* [T, H] of dtype */
    int64_t dout_stride;
    void *dx; /* out [T, H] of dtype */
    int64_t dx_stride;
    float *dweights;  /* out [T, k], or null */
    void *da_gate_up; /* out [E, R, H]; these four with a rank, 16-byte aligned */
    void *db_gate_up; /* out [E, 2I, R] */
    void *da_down;    /* out [E, R, I] */
    void *db_down;    /* out [E, H, R] */
    ms_tile_config gate_up_config; /* of the products that make dX */
    ms_tile_config down_config;
    void *workspace; /* 256-byte aligned */
    size_t workspace_bytes;
} ms_moe_mlp_backward_args;

MS_API size_t ms_moe_mlp_backward_workspace_bytes(const ms_moe_mlp_backward_args *args);
MS_API ms_status ms_moe_mlp_backward(const ms_moe_mlp_backward_args *args, ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_MLP_H */
