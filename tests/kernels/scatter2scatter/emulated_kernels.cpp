// One instance of the tile kernel for each kind of path through it; the constants are those of
// kernel_defines(), which the registry compares.
#include "tests/kernels/scatter2scatter/emulated_kernels.h"

#include "ptx.jit.cuh"

#include <string>
#include <utility>

namespace moescope::test {

namespace {

std::vector<const EmulatedKernel *> &registry() {
    static std::vector<const EmulatedKernel *> all;
    return all;
}

} // namespace

EmulatedKernel::EmulatedKernel(EmulatedFunction f, KernelConstants c)
    : function(f), constants(std::move(c)) {
    registry().push_back(this);
}

KernelConstants constants_of(const scatter2scatter::KernelShape &shape) {
    KernelConstants constants;
    for (const std::string &define : scatter2scatter::kernel_defines(shape))
        if (!define.starts_with("MS_KERNEL_NAME="))
            constants.push_back(std::stoi(define.substr(define.find('=') + 1)));
    return constants;
}

EmulatedFunction find_emulated(const scatter2scatter::KernelShape &shape) {
    const KernelConstants wanted = constants_of(shape);
    for (const EmulatedKernel *kernel : registry())
        if (kernel->constants == wanted)
            return kernel->function;
    return nullptr;
}

} // namespace moescope::test

// Kernel code, not ours to warn about here: unroll pragmas, and branches that constants decide.
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wpedantic"

#define MS_INSTANCE plain
#define MS_BLOCK_M 16
#define MS_BLOCK_N 32
#define MS_BLOCK_K 16
#define MS_WARPS_M 1
#define MS_WARPS_N 1
#define MS_STAGES 2
#define MS_DYNAMIC_SMEM 3200
#include "emulated_kernel.inc"

#define MS_INSTANCE plain_deep
#define MS_OUT_F32 1
#define MS_BLOCK_M 64
#define MS_BLOCK_N 64
#define MS_BLOCK_K 32
#define MS_WARPS_M 2
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_DYNAMIC_SMEM 24832
#include "emulated_kernel.inc"

#define MS_INSTANCE transposed
#define MS_BF16 0
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 64
#define MS_WARPS_M 1
#define MS_WARPS_N 4
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 24704
#include "emulated_kernel.inc"

#define MS_INSTANCE fused
#define MS_BLOCK_M 64
#define MS_BLOCK_N 128
#define MS_BLOCK_K 32
#define MS_WARPS_M 2
#define MS_WARPS_N 2
#define MS_STAGES 4
#define MS_RANK_PADDED 16
#define MS_DYNAMIC_SMEM 59648
#include "emulated_kernel.inc"

#define MS_INSTANCE fused_wide
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 64
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_W_TRANSPOSED 1
#define MS_RANK_PADDED 48
#define MS_DYNAMIC_SMEM 60544
#include "emulated_kernel.inc"

#define MS_INSTANCE fused_tall
#define MS_BF16 0
#define MS_OUT_F32 1
#define MS_BLOCK_M 128
#define MS_BLOCK_N 32
#define MS_BLOCK_K 16
#define MS_WARPS_M 4
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_RANK_PADDED 48
#define MS_DYNAMIC_SMEM 23040
#include "emulated_kernel.inc"

#define MS_INSTANCE fused_high
#define MS_BLOCK_M 16
#define MS_BLOCK_N 64
#define MS_BLOCK_K 128
#define MS_WARPS_M 1
#define MS_WARPS_N 4
#define MS_STAGES 2
#define MS_RANK_PADDED 256
#define MS_DYNAMIC_SMEM 177280
#include "emulated_kernel.inc"

#define MS_INSTANCE split17_base
#define MS_BLOCK_M 64
#define MS_BLOCK_N 64
#define MS_BLOCK_K 64
#define MS_WARPS_M 2
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_DYNAMIC_SMEM 49408
#include "emulated_kernel.inc"

#define MS_INSTANCE split17_xa
#define MS_BLOCK_M 64
#define MS_BLOCK_N 32
#define MS_BLOCK_K 64
#define MS_WARPS_M 2
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_W_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 37120
#include "emulated_kernel.inc"

#define MS_INSTANCE split17_b
#define MS_BLOCK_M 64
#define MS_BLOCK_N 64
#define MS_BLOCK_K 32
#define MS_WARPS_M 2
#define MS_WARPS_N 2
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_W_ALIGNED 0
#define MS_ACCUMULATE 1
#define MS_DYNAMIC_SMEM 16640
#include "emulated_kernel.inc"

#define MS_INSTANCE split16_base
#define MS_BF16 0
#define MS_OUT_F32 1
#define MS_BLOCK_M 16
#define MS_BLOCK_N 128
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 6
#define MS_W_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 55424
#include "emulated_kernel.inc"

#define MS_INSTANCE split16_xa
#define MS_BF16 0
#define MS_BLOCK_M 16
#define MS_BLOCK_N 32
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 6
#define MS_W_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 18560
#include "emulated_kernel.inc"

#define MS_INSTANCE split16_b
#define MS_BF16 0
#define MS_OUT_F32 1
#define MS_BLOCK_M 16
#define MS_BLOCK_N 128
#define MS_BLOCK_K 16
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_ACCUMULATE 1
#define MS_DYNAMIC_SMEM 9344
#include "emulated_kernel.inc"

#define MS_INSTANCE large
#define MS_BLOCK_M 128
#define MS_BLOCK_N 128
#define MS_BLOCK_K 32
#define MS_WARPS_M 2
#define MS_WARPS_N 2
#define MS_STAGES 4
#define MS_RANK_PADDED 16
#define MS_DYNAMIC_SMEM 76288
#include "emulated_kernel.inc"

#define MS_INSTANCE extra16_xa
#define MS_BLOCK_M 64
#define MS_BLOCK_N 32
#define MS_BLOCK_K 32
#define MS_WARPS_M 2
#define MS_WARPS_N 2
#define MS_STAGES 4
#define MS_W_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 24832
#include "emulated_kernel.inc"

#define MS_INSTANCE extra16
#define MS_BLOCK_M 64
#define MS_BLOCK_N 128
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 4
#define MS_STAGES 4
#define MS_EXTRA_RANK 16
#define MS_DYNAMIC_SMEM 49408
#include "emulated_kernel.inc"

#define MS_INSTANCE extra33_xa
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 16
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_W_ALIGNED 0
#define MS_DYNAMIC_SMEM 9344
#include "emulated_kernel.inc"

#define MS_INSTANCE extra33
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 16
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_W_TRANSPOSED 1
#define MS_EXTRA_RANK 48
#define MS_B_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 9344
#include "emulated_kernel.inc"

#define MS_INSTANCE extra40_xa
#define MS_BF16 0
#define MS_BLOCK_M 16
#define MS_BLOCK_N 64
#define MS_BLOCK_K 64
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 4
#define MS_DYNAMIC_SMEM 41088
#include "emulated_kernel.inc"

#define MS_INSTANCE extra40
#define MS_BF16 0
#define MS_OUT_F32 1
#define MS_BLOCK_M 16
#define MS_BLOCK_N 64
#define MS_BLOCK_K 64
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 4
#define MS_W_TRANSPOSED 1
#define MS_EXTRA_RANK 48
#define MS_B_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 41088
#include "emulated_kernel.inc"

#define MS_INSTANCE extra12_xa
#define MS_BLOCK_M 32
#define MS_BLOCK_N 32
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 1
#define MS_STAGES 2
#define MS_W_ALIGNED 0
#define MS_DYNAMIC_SMEM 8320
#include "emulated_kernel.inc"

#define MS_INSTANCE extra12
#define MS_BLOCK_M 32
#define MS_BLOCK_N 32
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 1
#define MS_STAGES 2
#define MS_EXTRA_RANK 16
#define MS_B_ALIGNED 0
#define MS_DYNAMIC_SMEM 8320
#include "emulated_kernel.inc"

#define MS_INSTANCE split40_base
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_W_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 18560
#include "emulated_kernel.inc"

#define MS_INSTANCE split40_xa
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_DYNAMIC_SMEM 18560
#include "emulated_kernel.inc"

#define MS_INSTANCE split40_b
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_ACCUMULATE 1
#define MS_DYNAMIC_SMEM 18560
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_deep
#define MS_BLOCK_M 64
#define MS_BLOCK_N 64
#define MS_BLOCK_K 128
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_NF4 1
#define MS_NF4_SPAN 32
#define MS_DYNAMIC_SMEM 76032
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_nested
#define MS_BF16 0
#define MS_OUT_F32 1
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 64
#define MS_WARPS_M 1
#define MS_WARPS_N 4
#define MS_STAGES 3
#define MS_W_TRANSPOSED 1
#define MS_NF4 2
#define MS_NF4_SPAN 32
#define MS_DYNAMIC_SMEM 52864
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_thin
#define MS_BLOCK_M 16
#define MS_BLOCK_N 32
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 1
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_NF4 1
#define MS_NF4_SPAN 32
#define MS_DYNAMIC_SMEM 36224
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_wide
#define MS_BLOCK_M 64
#define MS_BLOCK_N 64
#define MS_BLOCK_K 128
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_NF4 1
#define MS_NF4_SPAN 64
#define MS_DYNAMIC_SMEM 75008
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_wide_nested
#define MS_BF16 0
#define MS_OUT_F32 1
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 64
#define MS_WARPS_M 1
#define MS_WARPS_N 4
#define MS_STAGES 3
#define MS_W_TRANSPOSED 1
#define MS_NF4 2
#define MS_NF4_SPAN 64
#define MS_DYNAMIC_SMEM 52096
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_extra_xa
#define MS_BLOCK_M 32
#define MS_BLOCK_N 32
#define MS_BLOCK_K 128
#define MS_WARPS_M 2
#define MS_WARPS_N 2
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 32896
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_extra
#define MS_OUT_F32 1
#define MS_BLOCK_M 32
#define MS_BLOCK_N 64
#define MS_BLOCK_K 128
#define MS_WARPS_M 2
#define MS_WARPS_N 4
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_EXTRA_RANK 32
#define MS_B_ALIGNED 0
#define MS_NF4 2
#define MS_NF4_SPAN 64
#define MS_DYNAMIC_SMEM 58496
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_split
#define MS_BLOCK_M 32
#define MS_BLOCK_N 32
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_W_TRANSPOSED 1
#define MS_NF4 1
#define MS_NF4_SPAN 32
#define MS_DYNAMIC_SMEM 40960
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_split_xa
#define MS_BLOCK_M 32
#define MS_BLOCK_N 32
#define MS_BLOCK_K 32
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_W_TRANSPOSED 1
#define MS_DYNAMIC_SMEM 12416
#include "emulated_kernel.inc"

#define MS_INSTANCE nf4_split_b
#define MS_BLOCK_M 32
#define MS_BLOCK_N 32
#define MS_BLOCK_K 16
#define MS_WARPS_M 1
#define MS_WARPS_N 2
#define MS_STAGES 2
#define MS_W_TRANSPOSED 1
#define MS_ACCUMULATE 1
#define MS_DYNAMIC_SMEM 4224
#include "emulated_kernel.inc"
