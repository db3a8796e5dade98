/* The grouped matrix product with LoRA. */
#ifndef MOESCOPE_SCATTER2SCATTER_H
#define MOESCOPE_SCATTER2SCATTER_H

#include "moescope/dequant.h"
#include "moescope/route_metadata.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t ms_s2s_variant;
enum {
    MS_S2S_FUSED = 0, /* base and LoRA in one kernel: XA accumulates beside Y in the main loop */
    MS_S2S_SPLIT = 1, /* three passes: Y = X*W, XA = X*A^T, Y += s * XA*B^T */
    MS_S2S_EXTRA_K = 2, /* two: XA = X*A^T, then one product whose depth is K and R: [X|XA]*[W;B^T] */
};

typedef int32_t ms_tile_family;
enum {
    MS_TILE_MMA_SYNC = 0, /* sm_80 and newer: mma.sync fed by cp.async */
    MS_TILE_WGMMA = 1,    /* sm_90 alone: wgmma fed by the copy engine, one block a multiprocessor */
};

/* The tile a kernel is compiled for. All zero: the library's default for the shape and the device.
 * The wgmma family has no fused LoRA (choose extra-K); of split it runs X*W, and the two passes of
 * the LoRA part are the other family's. */
typedef struct ms_tile_config {
    int32_t block_m; /* rows (slots) a block: 16, 32, 64, 128; wgmma: 32, 64, 96 .. 288 */
    int32_t block_n; /* columns a block: 32, 64, 128, 256; wgmma: 128, 256 (block_m <= 128) */
    int32_t block_k; /* depth of one stage: 16, 32, 64, 128; wgmma: 64 */
    int32_t warps;   /* 1, 2, 4, 8; wgmma: 12, four that load and eight that multiply */
    int32_t stages;  /* pipeline depth: 2..6; wgmma: 2..12 */
    ms_tile_family family;
} ms_tile_config;

/* What the compiler reports of one compiled tile kernel. */
typedef struct ms_tile_resources {
    int32_t registers;         /* a thread */
    int32_t spill_bytes;       /* spill stores + spill loads, as ptxas reports */
    int32_t stack_bytes;
    int32_t static_smem_bytes;
    int32_t dynamic_smem_bytes; /* requested at launch */
    int32_t threads;           /* a block */
    int32_t cubin_bytes;
    int32_t from_cache;        /* 1: taken from the disk cache */
    double compile_ms;         /* 0 from the cache */
} ms_tile_resources;

/* Y[i] = X[i] * W[e(i)]  (+ scaling * (X[i] * A[e]^T) * B[e]^T)  (+ bias[e]), e(i) the expert of slot i.
 * Accumulates in float32, rounds once to y_dtype; XA is rounded to dtype before it meets B (as the
 * published Triton kernels do). Gather and scatter happen inside the kernel.
 * Split rounds Y to y_dtype twice: after X*W (+ bias), and after the LoRA part is added to it.
 * Extra-K multiplies XA*B^T by scaling in float32, in the accumulators that X*W is then added to.
 * The gradient of X is the same operator: dX = dY*W^T + s * (dY*B)*A is a call with x = dY, w seen
 * transposed, lora_a = B with lora_a_transposed and lora_b = A with lora_b_transposed; its XA is
 * dY*B, which the gradient of A needs.
 * Every row of y whose slot has an expert is written; the others (ids outside 0..E-1) are left alone.
 * Formula and data flow: ScatterMoE (arXiv 2403.08245) and its LoRA extension in axolotl. */
typedef struct ms_scatter2scatter_args {
    uint32_t struct_size;
    ms_dtype dtype;   /* of x, w, lora_a, lora_b: MS_F16 or MS_BF16 */
    ms_dtype y_dtype; /* dtype, or MS_F32 */
    ms_s2s_variant variant;
    const void *x;    /* x_grouped ? [S, K] in sorted order : [T, K] by token */
    int64_t x_stride; /* >= K, a multiple of 8; x, w, lora_a and lora_b 16-byte aligned */
    const void *w;    /* [E, K, N], or [E, N, K] with w_transposed */
    int32_t w_transposed;
    int32_t k;                  /* K >= 1; a multiple of 8 */
    int32_t n;                  /* N >= 1; a multiple of 8 unless w_transposed */
    int32_t rank;               /* R: 0 for no LoRA, else 1..256 */
    float scaling;
    const void *lora_a;         /* [E, R, K], or [E, K, R] with lora_a_transposed */
    const void *lora_b;         /* [E, N, R], or [E, R, N] with lora_b_transposed */
    const void *bias;           /* [E, N] of dtype, or null */
    void *y;                    /* out: y_grouped ? [S, N] in sorted order : [S, N] by slot */
    int64_t y_stride;           /* >= N */
    const int32_t *sorted_slots; /* [S] from ms_route_metadata */
    const int32_t *offsets;     /* [E+1] */
    const ms_tile *tiles;       /* schedule of block_rows = config.block_m */
    int64_t slots;              /* S */
    int32_t experts;
    int32_t top_k;              /* slots a token; x row of slot s is s / top_k */
    int32_t x_grouped;
    int32_t y_grouped;
    ms_tile_config config;
    void *workspace;            /* split and extra-K without xa: XA; 16-byte aligned */
    size_t workspace_bytes;
    int32_t lora_a_transposed;  /* the fused kernel has neither: MS_UNSUPPORTED */
    int32_t lora_b_transposed;  /* n must be a multiple of 8 */
    void *xa;                   /* out, or null: XA [S, R rounded up to 8] of dtype by sorted position,
                                   zero past R; 16-byte aligned */
    int32_t xa_is_input;        /* xa is read instead, and lora_a is not (split and extra-K) */
    const ms_expert_weights *w_nf4; /* host, or null: W as NF4 or FP4, code set, of K*N values laid out as w
                                   would be; w is not read. The codes are rounded to dtype, products
                                   with them summed in float32 and multiplied by absmax there:
                                   ms_selective_dequant rounds code * absmax instead. The kernel wants
                                   w_transposed and K a multiple of 32, a tile of block_k >= 32, and
                                   has no fused LoRA: else MS_UNSUPPORTED */
} ms_scatter2scatter_args;

MS_API size_t ms_scatter2scatter_workspace_bytes(const ms_scatter2scatter_args *args);
/* The config an all-zero one stands for; pointers of args are not read. */
MS_API ms_status ms_scatter2scatter_default_config(const ms_scatter2scatter_args *args, ms_tile_config *config);
MS_API ms_status ms_scatter2scatter(const ms_scatter2scatter_args *args, ms_stream stream);
/* Compiles (or finds in the cache) the kernels this call would launch, for arch ("sm_80", "sm_90a";
 * null: the current device). Needs no GPU when arch is given. Pointers of args are not read. The
 * resources are the worst of the variant's kernels. Safe to call from several threads. */
MS_API ms_status ms_scatter2scatter_compile(const ms_scatter2scatter_args *args, const char *arch,
                                            ms_tile_resources *resources);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_SCATTER2SCATTER_H */
