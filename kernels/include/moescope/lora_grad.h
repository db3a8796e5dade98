/* The gradients of LoRA's matrices in a grouped product. */
#ifndef MOESCOPE_LORA_GRAD_H
#define MOESCOPE_LORA_GRAD_H

#include "moescope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t ms_lora_grad_variant;
enum {
    MS_LORA_GRAD_GRAM = 0,      /* from stored XA and YB; deterministic: row chunks, ordered sums */
    MS_LORA_GRAD_RECOMPUTE = 1, /* XA and YB are made inside the kernel, for every block of columns */
    MS_LORA_GRAD_ATOMIC = 2,    /* from stored XA and YB; smaller row chunks add to a zeroed output
                                   by atomicAdd: the order of the sums, and so the last bits, differ
                                   from run to run; out_dtype must be MS_F32 */
};

/* How the work is cut. All zero: the library's default for the shape. */
typedef struct ms_lora_grad_config {
    int32_t block_columns; /* of X or dY a block: 32, 64, 128, 256, 512 */
    int32_t block_rows;    /* rows a stage: 16, 32, 64 */
    int32_t warps;         /* 1, 2, 4, 8, 16 */
    int32_t stages;        /* cp.async pipeline depth: 2..6 */
} ms_lora_grad_config;

/* dA[e] = scaling * YB_e^T X_e ([R, K]) and dB[e] = scaling * dY_e^T XA_e ([N, R]) over the rows of
 * expert e, where y = x*W + scaling * (x*A^T) * B^T: XA = X*A^T and YB = dY*B, both rounded to dtype.
 * ms_scatter2scatter stores both: XA in the forward call, YB in the call that computes dX. Sums in
 * float32, rounds once to out_dtype; an expert without tokens gets zeros. The order of the sums
 * depends on offsets and the shape alone, but for the atomic variant.
 * Formula: the chain rule; grouped Gram products as in axolotl's ScatterMoE LoRA. */
typedef struct ms_lora_grad_args {
    uint32_t struct_size;
    ms_dtype dtype;     /* of x, dy, xa, yb, lora_a, lora_b: MS_F16 or MS_BF16 */
    ms_dtype out_dtype; /* of da and db: dtype, or MS_F32 */
    ms_lora_grad_variant variant;
    const void *x;     /* x_grouped ? [S, K] in sorted order : [T, K] by token; read for da (and
                          recompute's db) */
    int64_t x_stride;  /* >= K, a multiple of 8; x, dy, xa, yb, lora_a and lora_b 16-byte aligned */
    const void *dy;    /* dy_grouped ? [S, N] in sorted order : [S, N] by slot */
    int64_t dy_stride; /* >= N, a multiple of 8 */
    int32_t x_grouped;
    int32_t dy_grouped;
    int32_t k;       /* K >= 8; a multiple of 8 */
    int32_t n;       /* N >= 8; a multiple of 8 */
    int32_t rank;    /* R: 1..256 */
    int32_t experts; /* E */
    float scaling;
    int32_t top_k;   /* x row of slot s is s / top_k */
    int64_t slots;   /* S */
    const int32_t *sorted_slots; /* [S] from ms_route_metadata */
    const int32_t *offsets;      /* [E+1] */
    const void *xa;     /* [S, R rounded up to 8] by sorted position, for db; not read by recompute */
    const void *yb;     /* the same, for da */
    const void *lora_a; /* [E, R, K], recompute with db */
    const void *lora_b; /* [E, N, R], recompute with da */
    void *da;           /* out [E, R, K], or null */
    void *db;           /* out [E, N, R], or null */
    ms_lora_grad_config config;
    void *workspace;    /* partial sums of experts with many rows; 16-byte aligned */
    size_t workspace_bytes;
} ms_lora_grad_args;

/* Depends on sizes, variant and config; pointers of args are not read. 0 where the args are wrong. */
MS_API size_t ms_lora_grad_workspace_bytes(const ms_lora_grad_args *args);
/* The config an all-zero one stands for; pointers of args are not read. */
MS_API ms_status ms_lora_grad_default_config(const ms_lora_grad_args *args, ms_lora_grad_config *config);
MS_API ms_status ms_lora_grad(const ms_lora_grad_args *args, ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_LORA_GRAD_H */
