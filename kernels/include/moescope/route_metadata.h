/* Route metadata: what the grouped operators read instead of ids. */
#ifndef MOESCOPE_ROUTE_METADATA_H
#define MOESCOPE_ROUTE_METADATA_H

#include "moescope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_ROUTE_METADATA_H */
