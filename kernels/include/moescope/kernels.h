/* MoEScope kernels: the C interface.
 *
 * Every operator is one function: it checks its arguments, enqueues its work on the stream and
 * returns at once. No operator synchronises with the host or allocates device memory; scratch
 * space is the caller's, sized by the matching *_workspace_bytes function.
 *
 * Pointers are device pointers unless a comment says host. All arrays are row-major and
 * contiguous unless a stride is given; strides count elements, not bytes. A null pointer means the
 * optional part is absent. Every args struct begins with struct_size = sizeof(that struct), which
 * versions it: a library newer than its caller reads the fields the caller knew and takes zero for
 * the rest.
 *
 * Names: T tokens, E experts, k experts a token (top-k), S = T*k routed tokens ("slots"; slot s
 * belongs to token s/k), H hidden size, K and N inner and outer size of an expert's weight,
 * R LoRA rank.
 *
 * The same structs, holding host pointers, drive the CPU references (kernels' C++ headers).
 */
#ifndef MOESCOPE_KERNELS_H
#define MOESCOPE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MS_API __attribute__((visibility("default")))
#else
#define MS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define MS_ABI_VERSION 1

/* A cudaStream_t; null is the default stream. */
typedef struct CUstream_st *ms_stream;

typedef int32_t ms_status;
enum {
    MS_OK = 0,
    MS_INVALID_ARGUMENT = 1, /* a field is wrong; the message names it, its value and what is allowed */
    MS_UNSUPPORTED = 2,      /* valid, but not on this device or in this build */
    MS_CUDA_ERROR = 3,       /* the CUDA runtime refused a call or a launch */
    MS_COMPILE_ERROR = 4,    /* NVRTC refused a tile kernel; the message holds its log */
    MS_HOST_ERROR = 5,       /* the host ran out of memory or threads */
};

/* The last failure of the calling thread, as one sentence; "" after a success. Never null. */
MS_API const char *ms_last_error(void);
/* MS_ABI_VERSION of the library actually loaded. */
MS_API uint32_t ms_abi_version(void);

typedef int32_t ms_dtype;
enum { MS_F32 = 0, MS_F16 = 1, MS_BF16 = 2 };

/* ---- Routing --------------------------------------------------------------------------------- */

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

/* ---- Route metadata -------------------------------------------------------------------------- */

/* One row tile of a grouped matrix product: the `tile`-th run of block_rows sorted slots of `expert`. */
typedef struct ms_tile {
    int32_t expert; /* -1: no tile, past the end of the schedule */
    int32_t tile;
} ms_tile;

/* The most tiles a schedule can hold: S slots over E experts in tiles of block_rows. */
MS_API int64_t ms_max_tiles(int64_t slots, int32_t experts, int32_t block_rows);

/* Stable counting sort of slots by expert. An id outside 0..E-1 (expert parallelism's sentinel) is
 * left out: its slot's inverse is -1, and the tail of sorted_slots is filled with -1.
 * Deterministic; nothing reaches the host. */
typedef struct ms_route_metadata_args {
    uint32_t struct_size;
    int32_t experts;         /* 1 <= E <= 4096 */
    const int32_t *ids;      /* [S] */
    int64_t slots;           /* S >= 0, < 2^31 */
    int32_t *counts;         /* out [E] slots of each expert */
    int32_t *offsets;        /* out [E+1] exclusive prefix sum of counts */
    int32_t *sorted_slots;   /* out [S] slot at each sorted position; grouped by expert, ascending within */
    int32_t *inverse;        /* out [S] sorted position of each slot */
    int32_t block_rows;      /* rows a tile of the schedule, or 0 for no schedule */
    ms_tile *tiles;          /* out [ms_max_tiles] ordered by expert, padded with {-1, -1} */
    void *workspace;
    size_t workspace_bytes;
} ms_route_metadata_args;

MS_API size_t ms_route_metadata_workspace_bytes(const ms_route_metadata_args *args);
MS_API ms_status ms_route_metadata(const ms_route_metadata_args *args, ms_stream stream);

/* A schedule for another block size from offsets that exist already. */
typedef struct ms_tile_schedule_args {
    uint32_t struct_size;
    int32_t experts;
    const int32_t *offsets; /* [E+1] */
    int64_t slots;
    int32_t block_rows; /* 1..4096 */
    ms_tile *tiles;     /* out [ms_max_tiles] */
} ms_tile_schedule_args;

MS_API ms_status ms_tile_schedule(const ms_tile_schedule_args *args, ms_stream stream);

/* ---- Grouped matrix product with LoRA -------------------------------------------------------- */

typedef int32_t ms_s2s_variant;
enum {
    MS_S2S_FUSED = 0, /* base and LoRA in one kernel: XA accumulates beside Y in the main loop */
    MS_S2S_SPLIT = 1, /* three passes: Y = X*W, XA = X*A^T, Y += s * XA*B^T */
};

/* The tile a kernel is compiled for. All zero: the library's default for the shape. */
typedef struct ms_tile_config {
    int32_t block_m; /* rows (slots) a block: 16, 32, 64, 128 */
    int32_t block_n; /* columns a block: 32, 64, 128, 256 */
    int32_t block_k; /* depth of one stage: 16, 32, 64, 128 */
    int32_t warps;   /* 1, 2, 4, 8 */
    int32_t stages;  /* cp.async pipeline depth: 2..6 */
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
    const void *lora_a;         /* [E, R, K] */
    const void *lora_b;         /* [E, N, R] */
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
    void *workspace;            /* split: XA [S, R rounded up to 8] by sorted position; 16-byte aligned */
    size_t workspace_bytes;
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

/* ---- Dequantisation -------------------------------------------------------------------------- */

/* NF4 weights of E experts, quantised as one flat array of E * expert_numel values (bitsandbytes'
 * layout: two values a byte, the even element in the HIGH nibble; blocks of block_size values share
 * one absmax, and may straddle experts). value = code[nibble] * absmax, in float32, rounded once.
 * Nested: absmax[i] = nested_code[absmax_u8[i]] * nested_absmax[i / nested_block] + nested_offset. */
typedef struct ms_nf4_weights {
    const uint8_t *packed;      /* [ceil(E * expert_numel / 2)] */
    const float *absmax;        /* [ceil(E * expert_numel / block_size)], or null when nested */
    const uint8_t *absmax_u8;   /* the same length, when nested */
    const float *nested_code;   /* [256] */
    const float *nested_absmax; /* [ceil(blocks / nested_block)] */
    float nested_offset;
    int32_t nested_block; /* a power of two; 256 in bitsandbytes */
    const float *code;    /* [16] */
    int32_t block_size;   /* a power of two, 32..4096 */
    int32_t experts;
    int64_t expert_numel;
} ms_nf4_weights;

/* The distinct experts among ids, ascending, found on the device. Ids outside 0..E-1 are ignored. */
typedef struct ms_active_experts_args {
    uint32_t struct_size;
    int32_t experts;     /* 1 <= E <= 4096 */
    const int32_t *ids;  /* [S] */
    int64_t slots;
    int32_t *active;     /* out [E]: the active experts, then -1 */
    int32_t *remap;      /* out [E]: position of an expert in active, -1 where it is not active */
    int32_t *count;      /* out [1] */
} ms_active_experts_args;

MS_API ms_status ms_active_experts(const ms_active_experts_args *args, ms_stream stream);

/* Dequantises experts active[0..count) into out[0..count); with active null all E experts into
 * out[0..E) (the full dequantisation it is measured against). */
typedef struct ms_selective_dequant_args {
    uint32_t struct_size;
    ms_dtype out_dtype;
    ms_nf4_weights weights;
    const int32_t *active; /* [>= capacity] or null */
    const int32_t *count;  /* [1], with active */
    int32_t capacity;      /* rows of out, >= E with active null; count above it is cut to it */
    void *out;             /* out [capacity, expert_numel] */
} ms_selective_dequant_args;

MS_API ms_status ms_selective_dequant(const ms_selective_dequant_args *args, ms_stream stream);

/* Copies the rows of the active experts: dst[i] = src[active[i]], i < count. For LoRA A [E, R, K]
 * and B [E, N, R], a row is one expert's matrix. */
typedef struct ms_select_experts_args {
    uint32_t struct_size;
    const void *src;       /* [E, row_bytes] */
    int64_t row_bytes;     /* a multiple of 2 */
    int32_t experts;
    const int32_t *active; /* [>= capacity] */
    const int32_t *count;  /* [1] */
    int32_t capacity;
    void *dst;             /* out [capacity, row_bytes] */
} ms_select_experts_args;

MS_API ms_status ms_select_experts(const ms_select_experts_args *args, ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_KERNELS_H */
