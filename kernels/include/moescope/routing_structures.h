/* Routing structures of other libraries, made from the same ids: Triton's bit matrix, its ragged
 * metadata, and the routing data of its older releases. */
#ifndef MOESCOPE_ROUTING_STRUCTURES_H
#define MOESCOPE_ROUTING_STRUCTURES_H

#include "moescope/route_metadata.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which experts each token selects, as bits, and both orders of the selected entries (contract:
 * triton-lang/triton, python/triton_kernels, tensor_details/bitmatrix.py, BitmatrixMetadata).
 * An id outside 0..E-1 selects nothing: it has no bit, its row_sorted_indx is -1, and the tail of
 * col_sorted_indx is -1. The ids of a token are distinct; one that stands twice sets one bit and
 * counts twice. Deterministic. */
typedef struct ms_bitmatrix_args {
    uint32_t struct_size;
    int32_t experts;          /* 1 <= E <= 4096 */
    int32_t top_k;            /* 1 <= k <= E */
    const int32_t *ids;       /* [T, k] */
    int64_t tokens;           /* T >= 0, T*k < 2^31 */
    int64_t bits_stride;      /* >= T; Triton's own is T rounded up to 32 */
    uint32_t *bits;           /* out [ceil(E/32), bits_stride]: word [w][t] has bit b set where token t
                                 selects expert 32w + b; 0 from t = T on */
    int32_t *col_sum;         /* out [E] tokens of each expert */
    int32_t *col_offs;        /* out [E+1] exclusive prefix sum of col_sum */
    int32_t *col_sorted_indx; /* out [T*k] entries t*k + slot grouped by expert, ascending within */
    int32_t *row_sorted_indx; /* out [T*k] the inverse: where each entry stands in col_sorted_indx */
    void *workspace;
    size_t workspace_bytes;
} ms_bitmatrix_args;

MS_API size_t ms_bitmatrix_workspace_bytes(const ms_bitmatrix_args *args);
MS_API ms_status ms_bitmatrix(const ms_bitmatrix_args *args, ms_stream stream);

/* Block schedules of a ragged tensor for several block sizes at once (contract: triton-lang/triton,
 * python/triton_kernels, tensor_details/ragged_tensor.py, RaggedTensorMetadata). Block size number i
 * is first_block_rows << i: 16, 4 sizes as Triton on NVIDIA; 16, 5 sizes on AMD.
 *
 * Every schedule holds ms_max_tiles(rows, slices, first_block_rows) entries (Triton's max_n_tiles),
 * ordered by slice and padded with -1. Packed, an entry is block << 16 | slice, the block counted
 * within its slice: MS_UNSUPPORTED if a slice of `rows` rows could need more than 65536 blocks, for
 * which the wide form is there. Both forms may be asked for. slice_sizes are trusted: none is
 * negative, and their sum is at most rows. */
typedef struct ms_ragged_metadata_args {
    uint32_t struct_size;
    int32_t slices;              /* 1 <= E <= 4096 */
    const int32_t *slice_sizes;  /* [E] */
    int64_t rows;                /* >= 0, < 2^31 */
    int32_t first_block_rows;    /* a power of two, 1..4096 */
    int32_t block_sizes;         /* 1..8 */
    int32_t *slice_offs;         /* out [E+1] exclusive prefix sum of slice_sizes */
    int32_t *block_offs;         /* out [block_sizes, E+1] the same of ceil(slice_sizes / block size) */
    int64_t schedule_stride;     /* entries between the schedules of two sizes */
    int32_t *block_schedule;     /* out [block_sizes, ...] packed, or null */
    ms_tile *tiles;              /* out [block_sizes, ...] wide, padded with {-1, -1}, or null */
} ms_ragged_metadata_args;

MS_API ms_status ms_ragged_metadata(const ms_ragged_metadata_args *args, ms_stream stream);

/* The routing data of Triton's older releases (python/triton_kernels, routing.py: RoutingData,
 * ExptData, GatherIndx, ScatterIndx). GatherIndx is (src gather_indx, dst scatter_indx), ScatterIndx
 * (src scatter_indx, dst gather_indx). Ids outside 0..E-1 as in ms_bitmatrix; the tail of gate_scal
 * is 0. */
typedef struct ms_routing_data_args {
    uint32_t struct_size;
    int32_t experts;            /* 1 <= E <= 4096 */
    const int32_t *ids;         /* [S] */
    const float *weights;       /* [S] */
    int64_t slots;              /* S >= 0, < 2^31 */
    int32_t first_block_rows;   /* 16; as ms_ragged_metadata_args */
    int32_t block_sizes;        /* 4; as ms_ragged_metadata_args */
    float *gate_scal;           /* out [S] weights grouped by expert */
    int32_t *gather_indx;       /* out [S] slot at each sorted position */
    int32_t *scatter_indx;      /* out [S] sorted position of each slot */
    int32_t *expt_hist;         /* out [E] */
    int32_t *token_offs_raw;    /* out [E+1] exclusive prefix sum of expt_hist */
    int32_t *token_offs_pad;    /* out [block_sizes, E+1] as block_offs */
    int64_t schedule_stride;    /* >= ms_max_tiles(S, E, first_block_rows) */
    int32_t *block_pid_map;     /* out [block_sizes, schedule_stride] as block_schedule, packed */
    void *workspace;
    size_t workspace_bytes;
} ms_routing_data_args;

MS_API size_t ms_routing_data_workspace_bytes(const ms_routing_data_args *args);
MS_API ms_status ms_routing_data(const ms_routing_data_args *args, ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_ROUTING_STRUCTURES_H */
