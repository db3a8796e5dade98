// One instance of the LoRA gradient kernels for each kind of path through them; the constants are
// those of kernel_defines(), which the registry compares.
#include "tests/kernels/lora_grad/lora_grad_emulated.h"

#include "kernels/lora_grad/lora_grad_params.jit.cuh"
#include "ptx.jit.cuh"

#include <string>
#include <utility>

namespace moescope::test {

namespace {

struct Instance {
    EmulatedLoraGrad function;
    std::vector<int> constants;
};

std::vector<Instance> &registry() {
    static std::vector<Instance> all;
    return all;
}

struct Registered {
    Registered(EmulatedLoraGrad function, std::vector<int> constants) {
        registry().push_back({function, std::move(constants)});
    }
};

} // namespace

EmulatedLoraGrad find_emulated(const lora_grad::KernelShape &shape) {
    std::vector<int> wanted;
    for (const std::string &define : lora_grad::kernel_defines(shape))
        if (!define.starts_with("MS_KERNEL_NAME="))
            wanted.push_back(std::stoi(define.substr(define.find('=') + 1)));
    for (const Instance &instance : registry())
        if (instance.constants == wanted)
            return instance.function;
    return nullptr;
}

} // namespace moescope::test

using moescope::test::Registered;

// Kernel code, not ours to warn about here: unroll pragmas, and branches that constants decide.
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wpedantic"

#define MS_INSTANCE gram16
#define MS_BLOCK_COLUMNS 64
#define MS_BLOCK_ROWS 16
#define MS_WARPS_R 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_RANK_PADDED 16
#define MS_DYNAMIC_SMEM 8448
#include "emulated_lora_grad.inc"

#define MS_INSTANCE gram16_reduce
#define MS_MODE 3
#define MS_BLOCK_COLUMNS 64
#define MS_BLOCK_ROWS 16
#define MS_WARPS_R 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_RANK_PADDED 16
#define MS_DYNAMIC_SMEM 272
#include "emulated_lora_grad.inc"

#define MS_INSTANCE gram48
#define MS_BF16 0
#define MS_OUT_F32 0
#define MS_BLOCK_COLUMNS 32
#define MS_BLOCK_ROWS 32
#define MS_WARPS_R 2
#define MS_WARPS_N 1
#define MS_STAGES 2
#define MS_RANK_PADDED 48
#define MS_DYNAMIC_SMEM 13312
#include "emulated_lora_grad.inc"

#define MS_INSTANCE gram48_reduce
#define MS_MODE 3
#define MS_BF16 0
#define MS_OUT_F32 0
#define MS_BLOCK_COLUMNS 32
#define MS_BLOCK_ROWS 32
#define MS_WARPS_R 2
#define MS_WARPS_N 1
#define MS_STAGES 2
#define MS_RANK_PADDED 48
#define MS_DYNAMIC_SMEM 272
#include "emulated_lora_grad.inc"

#define MS_INSTANCE gram64
#define MS_OUT_F32 0
#define MS_BLOCK_COLUMNS 128
#define MS_BLOCK_ROWS 32
#define MS_WARPS_R 2
#define MS_WARPS_N 4
#define MS_STAGES 4
#define MS_RANK_PADDED 64
#define MS_DYNAMIC_SMEM 51200
#include "emulated_lora_grad.inc"

#define MS_INSTANCE gram64_reduce
#define MS_MODE 3
#define MS_OUT_F32 0
#define MS_BLOCK_COLUMNS 128
#define MS_BLOCK_ROWS 32
#define MS_WARPS_R 2
#define MS_WARPS_N 4
#define MS_STAGES 4
#define MS_RANK_PADDED 64
#define MS_DYNAMIC_SMEM 1040
#include "emulated_lora_grad.inc"

#define MS_INSTANCE recompute16
#define MS_MODE 1
#define MS_BLOCK_COLUMNS 64
#define MS_BLOCK_ROWS 32
#define MS_WARPS_R 1
#define MS_WARPS_N 2
#define MS_STAGES 2
#define MS_RANK_PADDED 16
#define MS_DYNAMIC_SMEM 26112
#include "emulated_lora_grad.inc"

#define MS_INSTANCE recompute16_reduce
#define MS_MODE 3
#define MS_BLOCK_COLUMNS 64
#define MS_BLOCK_ROWS 32
#define MS_WARPS_R 1
#define MS_WARPS_N 2
#define MS_STAGES 2
#define MS_RANK_PADDED 16
#define MS_DYNAMIC_SMEM 272
#include "emulated_lora_grad.inc"

#define MS_INSTANCE recompute48
#define MS_MODE 1
#define MS_BF16 0
#define MS_BLOCK_COLUMNS 32
#define MS_BLOCK_ROWS 16
#define MS_WARPS_R 2
#define MS_WARPS_N 1
#define MS_STAGES 2
#define MS_RANK_PADDED 48
#define MS_DYNAMIC_SMEM 29440
#include "emulated_lora_grad.inc"

#define MS_INSTANCE recompute48_reduce
#define MS_MODE 3
#define MS_BF16 0
#define MS_BLOCK_COLUMNS 32
#define MS_BLOCK_ROWS 16
#define MS_WARPS_R 2
#define MS_WARPS_N 1
#define MS_STAGES 2
#define MS_RANK_PADDED 48
#define MS_DYNAMIC_SMEM 272
#include "emulated_lora_grad.inc"

#define MS_INSTANCE atomic16
#define MS_MODE 2
#define MS_BLOCK_COLUMNS 64
#define MS_BLOCK_ROWS 16
#define MS_WARPS_R 1
#define MS_WARPS_N 2
#define MS_STAGES 3
#define MS_RANK_PADDED 16
#define MS_DYNAMIC_SMEM 8448
#include "emulated_lora_grad.inc"
