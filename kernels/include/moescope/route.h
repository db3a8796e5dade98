/* A whole routing at once: logits to everything the grouped operators read. */
#ifndef MOESCOPE_ROUTE_H
#define MOESCOPE_ROUTE_H

#include "moescope/route_metadata.h"
#include "moescope/routing.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ms_topk, and ms_route_metadata of the ids it selects: the same ids and the same sort, to the bit, and
 * weights within float32 rounding. In one launch where MS_TOPK_WARP_SELECT takes the arguments, E <= 512 and T*k <= 262144 (and the device holds
 * that many slots at once), and in as many launches as the two have elsewhere. topk->variant may be
 * MS_TOPK_AUTO; any other runs that variant and then the sort. Deterministic. */
typedef struct ms_route_args {
    uint32_t struct_size;
    int32_t block_rows;       /* rows a tile of the schedule, 0..4096; 0 for no schedule */
    const ms_topk_args *topk; /* host; E <= 4096, T*k < 2^31 */
    int32_t *counts;          /* out [E] */
    int32_t *offsets;         /* out [E+1] */
    int32_t *sorted_slots;    /* out [T*k] */
    int32_t *inverse;         /* out [T*k] */
    ms_tile *tiles;           /* out [ms_max_tiles] */
    void *workspace;
    size_t workspace_bytes;
} ms_route_args;

MS_API size_t ms_route_workspace_bytes(const ms_route_args *args);
MS_API ms_status ms_route(const ms_route_args *args, ms_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_ROUTE_H */
