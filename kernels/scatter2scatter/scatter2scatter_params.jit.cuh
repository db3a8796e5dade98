// What a launch of the scatter2scatter tile kernel is told, shared by the host and by NVRTC: plain
// types only. The names of the sizes are those of moescope/kernels.h.
#pragma once

struct Scatter2ScatterTile {
    int expert; // -1: no tile
    int tile;
};

// The scales of an NF4 weight, whose nibbles are `w`: ms_expert_weights, less what is known otherwise.
struct Scatter2ScatterNf4 {
    const float *absmax;            // null when nested
    const unsigned char *absmax_u8; // null unless nested
    const float *nested_code;
    const float *nested_absmax;
    const float *code;
    float nested_offset;
    int nested_shift; // log2 of nested_block
    int block_shift;  // log2 of block_size
};

struct Scatter2ScatterParams {
    const void *x;
    const void *w;
    const void *lora_a;
    const void *lora_b;
    void *xa;         // XA [S, xa_columns] by sorted position: read for the extra depth; written by
                      // the fused kernel, unless null
    const void *bias; // or null
    void *y;
    const int *sorted_slots; // not read when both sides are grouped
    const int *offsets;
    const Scatter2ScatterTile *tiles;
    long long y_stride;    // elements
    unsigned x_stride_16b; // row stride of x in chunks of 8 elements
    int k;                 // depth of the product: a multiple of 8
    int k_w;               // rows of w [k_w, n_w], or row length of a transposed w [n_w, k_w]; <= k
    int n;                 // columns of y that are written
    int n_w;               // columns of the product that w has; <= n, the others are zero
    int rank;
    int xa_columns; // a multiple of 8
    float scaling;
    int top_k;
    int x_grouped;
    int y_grouped;
    int vector_stores; // rows of y begin at a multiple of 16 bytes
    int tile_count;    // length of tiles
    int n_tiles;       // ceil(n / block_n)
    Scatter2ScatterNf4 nf4; // of kernels with MS_NF4
    int row_group;     // wgmma: row tiles that are walked together, feature by feature
    int w_once;        // wgmma: W is read once, so that the L2 need not keep it
    int sort_tiles;    // wgmma: heaviest row tiles first
    int early_next;    // the next kernel may begin while this one ends, and waits for what it needs
};
