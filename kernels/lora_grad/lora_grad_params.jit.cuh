// What a launch of the LoRA gradient kernels is told, shared by the host and by NVRTC: plain types
// only. The names of the sizes are those of moescope/lora_grad.h.
#pragma once

// Where the rows of a matrix stand: sorted position p means row p, or row sorted_slots[p] / divisor,
// which is floor(slot * multiplier / 2^shift) for slots below 2^31.
struct LoraGradRows {
    const void *data;
    unsigned stride_16b; // in chunks of 8 elements
    unsigned multiplier;
    int shift; // 0: in sorted order
};

// One gradient: D = scaling * V^T Z over an expert's rows, [rank, columns].
struct LoraGradSide {
    LoraGradRows z;     // X, or dY
    LoraGradRows other; // recompute: the matrix V is made from, dY or X,
    const void *lora;   // times B [N, R] or A [R, K] transposed
    const void *v;      // YB, or XA: [S, rank_stride] by sorted position
    void *out;          // dA [E, R, K], or dB [E, N, R]
    int columns;        // K, or N
    int depth;          // recompute: the other of the two
    int blocks;         // of columns; 0 where the gradient is not wanted
};

struct LoraGradParams {
    LoraGradSide da, db;
    const int *sorted_slots;
    const int *offsets;
    float *partial; // [2 * most_extra, rank * (K + N)]: sums of the chunks of a long expert
    int experts;
    int rank;
    int rank_stride; // a multiple of 8
    int chunk_rows;  // an expert with more rows is cut into equal chunks of at most this many
    int most_extra;  // chunks beyond the first of their expert that slots can make
    int reduce_blocks; // of the reducing kernel, an extra chunk
    float scaling;
};
