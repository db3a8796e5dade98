/* Quantised expert weights: expanding those of the active experts. */
#ifndef MOESCOPE_DEQUANT_H
#define MOESCOPE_DEQUANT_H

#include "moescope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How expert weights are kept. In every format value = decoded code * scale, computed in float32 and
 * rounded to the output's dtype once; a NaN is a NaN of any payload.
 *
 * NF4, FP4 (bitsandbytes): two codes a byte, the even element in the HIGH nibble; value = code[nibble]
 *   * absmax[i / block_size], i counting over all experts: blocks may straddle experts, and an odd
 *   expert_numel shifts the nibbles' phase. FP4's bit 3 is the sign.
 *   Nested: absmax[b] = nested_code[absmax_u8[b]] * nested_absmax[b / nested_block] + nested_offset.
 * FP8: E4M3 (OCP 8-bit floating point, "E4M3": no infinity, 0x7F and 0xFF are NaN) times float32
 *   scales: one an expert; one a row of its row-major [expert_numel / columns, columns] matrix; or
 *   one a block of 128 x 128 of it (the last row and column of blocks may be cut).
 * MXFP4 (OCP Microscaling Formats 1.0): E2M1 {0, 1/2, 1, 3/2, 2, 3, 4, 6}, bit 3 the sign, the even
 *   element in the LOW nibble, times 2^(e - 127) of one E8M0 byte e for 32 elements counted over all
 *   experts; e = 255 is NaN.
 * DENSE: values already of the output's dtype, copied as they are: what dequantisation is measured
 *   against. */
typedef int32_t ms_weight_format;
enum {
    MS_WEIGHTS_NF4 = 0,
    MS_WEIGHTS_FP4 = 1,
    MS_WEIGHTS_FP8_TENSOR = 2, /* scales [E] */
    MS_WEIGHTS_FP8_ROW = 3,    /* scales [E, rows] */
    MS_WEIGHTS_FP8_BLOCK = 4,  /* scales [E, ceil(rows / 128), ceil(columns / 128)] */
    MS_WEIGHTS_MXFP4 = 5,
    MS_WEIGHTS_DENSE = 6,
};

/* The weights of E experts as one flat array of E * expert_numel values, expert by expert. Fields of
 * other formats are not looked at. */
typedef struct ms_expert_weights {
    ms_weight_format format;
    int32_t experts;
    int64_t expert_numel;
    const void *values;         /* 4-bit: [ceil(E * expert_numel / 2)] bytes; FP8: [E * expert_numel]
                                   bytes; DENSE: [E * expert_numel] of the output's dtype */
    int32_t block_size;         /* NF4, FP4: a power of two, 32..4096 */
    int32_t nested_block;       /* nested: a power of two; 256 in bitsandbytes */
    const float *code;          /* NF4, FP4: [16], or null for the format's own table */
    const float *absmax;        /* NF4, FP4: [ceil(E * expert_numel / block_size)]; null when nested */
    const uint8_t *absmax_u8;   /* nested: the same length */
    const float *nested_code;   /* nested: [256] */
    const float *nested_absmax; /* nested: [ceil(blocks / nested_block)] */
    float nested_offset;        /* nested */
    int32_t columns;            /* FP8_ROW, FP8_BLOCK: divides expert_numel */
    const float *scales;        /* FP8 */
    const uint8_t *exponents;   /* MXFP4: [ceil(E * expert_numel / 32)] */
} ms_expert_weights;

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

/* Dequantises experts active[0..count) into out[0..count): of a list that was made before, or, with
 * ids set, of the one that the call makes of them, in the same launch where the slots are few. With
 * active null all E experts into out[0..E): the full dequantisation it is measured against. */
typedef struct ms_selective_dequant_args {
    uint32_t struct_size;
    ms_dtype out_dtype;
    ms_expert_weights weights;
    const int32_t *ids; /* [S] or null: as of ms_active_experts; then active, remap and count are out,
                           of its shapes, and E <= 4096 */
    int64_t slots;      /* S, with ids */
    int32_t *active;    /* [>= capacity] or null */
    int32_t *remap;     /* with ids */
    int32_t *count;     /* [1], with active */
    int32_t capacity;   /* rows of out, >= E with active null; rows past it are not written */
    void *out;          /* out [capacity, expert_numel] */
    uint32_t *scratch;  /* [2], zero before the first call and after every one, or null: only calls
                           that do not overlap may share it. With active or ids: without it, experts
                           that the capacity allows for and that are not active cost time */
} ms_selective_dequant_args;

MS_API ms_status ms_selective_dequant(const ms_selective_dequant_args *args, ms_stream stream);

/* The experts that have slots, ascending, and where their slots begin once the others are left out:
 * sorted slots stay as they are, and arrays of the active experts' rows take the place of [E] ones. */
typedef struct ms_compact_experts_args {
    uint32_t struct_size;
    int32_t experts;          /* 1 <= E <= 4096 */
    const int32_t *offsets;   /* [E + 1], ascending: expert e's slots are offsets[e]..offsets[e+1]-1 */
    int32_t *active;          /* out [C]: the experts with slots, then -1 */
    int32_t *count;           /* out [1] */
    int32_t *compact_offsets; /* out [C + 1]: offsets[active[i]], then the end, offsets[E] */
    int32_t capacity;         /* C >= the number of experts with slots: min(E, S) always is */
} ms_compact_experts_args;

MS_API ms_status ms_compact_experts(const ms_compact_experts_args *args, ms_stream stream);

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
