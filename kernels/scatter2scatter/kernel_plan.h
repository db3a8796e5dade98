// Which tile kernels one scatter2scatter call launches, and how each is cut: plain C++, so that a
// tuner can prune on a machine without CUDA. The layout formulas mirror scatter2scatter.jit.cu,
// which asserts that both agree.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <compare>
#include <string>
#include <vector>

namespace moescope::scatter2scatter {

enum class Pass {
    kFused,  // Y = X*W + s * XA*B^T (+ bias), XA made beside Y
    kExtraK, // the same, XA read: [XA | B] is further depth of the product
    kBase,   // Y = X*W (+ bias)
    kLoraXA, // XA = X*A^T, by sorted position
    kLoraB,  // Y += s * XA*B^T
};

// The compile-time parameters of one kernel. warps_m * warps_n == config.warps (mma.sync).
struct KernelShape {
    Pass pass;
    ms_dtype dtype;
    bool out_f32;
    ms_tile_config config;
    int warps_m; // rows of the block are dealt out over this many warps,
    int warps_n; // its columns over this many
    bool w_transposed;
    bool w_aligned;  // rows of W begin at multiples of 16 bytes
    int rank_padded; // fused LoRA: rank rounded up to 16; else 0
    int extra_rank;  // extra-K LoRA: rank rounded up to 16; else 0
    bool b_transposed; // extra-K: B is [R, N]
    bool b_aligned;    // extra-K: rows of B begin at multiples of 16 bytes
    int nf4;           // W as NF4: 1 with absmax, 2 with nested absmax; else 0
    int nf4_span;      // its values along k that share an absmax, whatever the row: 64 or 32; or 0
    int row_split;     // row blocks that a tile of the schedule is cut into (mma.sync)
    bool x_grouped;    // rows of X are the copy engine's (wgmma)

    std::strong_ordering operator<=>(const KernelShape &other) const;
};

// "" if the tile can be built for this operator at all, else why not ("block_n is 48; it must be
// ..."). The device's shared memory is not looked at.
std::string config_problem(const ms_tile_config &config);
// Of a call on an architecture ("sm_90a"; "": any): as above, what its weights ask of a tile besides,
// and what the tile's family cannot do.
std::string config_problem(const ms_scatter2scatter_args &args, const ms_tile_config &config,
                           const std::string &arch = "");

// The passes of a call with a valid, non-zero config, in order: one, or with a rank two for extra-K
// and three for split (one less where XA is an input).
std::vector<KernelShape> plan_kernels(const ms_scatter2scatter_args &args,
                                      const ms_tile_config &config);

// Shared memory a block asks for.
int dynamic_smem_bytes(const KernelShape &shape);

// The embedded source of the kernel.
std::string kernel_source(const KernelShape &shape);

// Columns of the workspace's XA: rank rounded up to 8, so that its rows stay 16-byte aligned.
int xa_columns(int rank);

// "moescope_s2s_fused_bf16_128x128x32_w4_s4": what a profiler shows.
std::string kernel_name(const KernelShape &shape);

// The -D constants its source wants, as NAME=VALUE.
std::vector<std::string> kernel_defines(const KernelShape &shape);

} // namespace moescope::scatter2scatter
