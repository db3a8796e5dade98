// Which kernels a LoRA gradient call launches, how each is cut, over how many blocks and told what:
// plain C++ and no device, so that it is tested without one. The layout formulas mirror
// lora_grad.jit.cu, which asserts that both agree.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "kernels/lora_grad/lora_grad_params.jit.cuh"

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace moescope::lora_grad {

enum class Mode { kGram, kRecompute, kAtomic, kReduce };

// The compile-time parameters of one kernel. warps_r * warps_n == config.warps.
struct KernelShape {
    Mode mode;
    ms_dtype dtype;
    bool out_f32;
    ms_lora_grad_config config;
    int warps_r; // the rank is dealt out over this many warps,
    int warps_n; // the columns over this many
    int rank_padded; // to 16

    std::strong_ordering operator<=>(const KernelShape &other) const;
    int threads() const { return 32 * warps_r * warps_n; }
};

struct Launch {
    KernelShape shape;
    LoraGradParams params;
    std::int64_t blocks;
};

// "" if the config can be built for this rank, else why not.
std::string config_problem(const ms_lora_grad_config &config, int rank);
// What an all-zero config stands for.
ms_lora_grad_config default_config(const ms_lora_grad_args &args);
// Args' own config, or the default.
ms_lora_grad_config chosen_config(const ms_lora_grad_args &args);

// An expert with more rows than this is cut into chunks.
int chunk_rows(const ms_lora_grad_args &args, const ms_lora_grad_config &config);
// Of args whose sizes are checked.
std::size_t workspace_bytes(const ms_lora_grad_args &args);

int dynamic_smem_bytes(const KernelShape &shape);
// "moescope_lora_grad_gram_bf16_r16_256x32_w8_s3": what a profiler shows.
std::string kernel_name(const KernelShape &shape);
// The -D constants lora_grad.jit.cu wants, as NAME=VALUE.
std::vector<std::string> kernel_defines(const KernelShape &shape);

// Args are checked and config is valid. MS_UNSUPPORTED where a launch's grid cannot reach. The
// atomic variant's outputs must be zero before the first launch.
ms_status plan_launches(const ms_lora_grad_args &args, const ms_lora_grad_config &config,
                        std::vector<Launch> &launches);

} // namespace moescope::lora_grad
