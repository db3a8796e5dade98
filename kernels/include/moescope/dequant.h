/* Quantised expert weights: expanding those of the active experts. */
#ifndef MOESCOPE_DEQUANT_H
#define MOESCOPE_DEQUANT_H

#include "moescope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

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
#endif /* MOESCOPE_DEQUANT_H */
