// Deterministic inputs, made where they are used: the same seed gives the same bits on a GPU and on
// a CPU. Counter-based, so that element i never depends on how the work was divided.
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope {

// data[i] = uniform in [-scale, scale) from a hash of (seed, tensor, i): an integer multiple of
// scale / 128, exact in every dtype when scale is a power of two.
struct FillUniformArgs {
    void *data;
    ms_dtype dtype;
    int64_t count;
    uint64_t seed;
    uint32_t tensor; // which tensor of the workload: gives each its own values
    float scale;     // a power of two
    int64_t first = 0; // data[i] is element first + i of the tensor; a multiple of 8
};

// data[i] = uniform byte.
struct FillBytesArgs {
    uint8_t *data;
    int64_t count;
    uint64_t seed;
    uint32_t tensor;
};

// Router logits whose softmax top-k visits experts with the given popularity: log p(e) + Gumbel
// noise, both multiples of 1/1024 from tables (so that every machine agrees to the bit).
struct RoutingLogitsArgs {
    void *logits; // out [tokens, experts]
    int64_t tokens;
    int32_t experts;
    const float *log_popularity; // [experts], multiples of 1/1024 (see log_popularity below)
    const float *gumbel_table;   // [65536], multiples of 1/1024
    float hot_share; // with this probability a token's expert 0 gets +64: its first choice
    uint64_t seed;
    ms_dtype dtype; // of the logits; a narrow one rounds them to nearest even
};

// Host tables for RoutingLogitsArgs. zipf_exponent 0: all experts alike. Which experts are popular
// is a permutation drawn from the seed.
void make_log_popularity(int32_t experts, double zipf_exponent, uint64_t seed, float *out);
void make_gumbel_table(float *out); // [65536]

ms_status fill_uniform(const FillUniformArgs *args, ms_stream stream);
ms_status fill_bytes(const FillBytesArgs *args, ms_stream stream);
ms_status routing_logits(const RoutingLogitsArgs *args, ms_stream stream);

namespace reference {
ms_status fill_uniform(const FillUniformArgs *args, ms_stream stream);
ms_status fill_bytes(const FillBytesArgs *args, ms_stream stream);
ms_status routing_logits(const RoutingLogitsArgs *args, ms_stream stream);
} // namespace reference

} // namespace moescope
