// What decides which tile kernels an operator needs: the same with and without a device, so that a
// kernel's source can be shown where it cannot run.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "profiler/plan/plan.h"

#include <string_view>

namespace moescope {

// Of an operator that is a scatter2scatter: all but pointers, variant, rank and config.
ms_scatter2scatter_args grouped_args(const Workload &workload, OperatorId op);
// Sets variant and rank.
void choose_variant(ms_scatter2scatter_args &args, const Workload &workload, std::string_view variant);

// The same of the gradients of LoRA matrices; variant and out_dtype are set by choose_variant().
ms_lora_grad_args lora_grad_args(const Workload &workload, OperatorId op);
void choose_variant(ms_lora_grad_args &args, std::string_view variant);

} // namespace moescope
